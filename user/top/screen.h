/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * screen.h - the terminal while a view is redrawn on it: the alternate screen, no echo, no cursor, keys one by one.
 *
 * kf_screen_leave() gives back what kf_screen_enter() took, any number of times, also around a stop (Ctrl-Z). Only
 * SIGKILL leaves a terminal that `reset` has to repair.
 */
#ifndef KF_TOP_SCREEN_H
#define KF_TOP_SCREEN_H

#include <stdbool.h>
#include <termios.h>

struct kf_screen {
	struct termios before;
	bool has_keys; /* standard input is a terminal: `before` is how it was */
	bool entered;
};

/* Again, when something else may have changed the terminal meanwhile: what was there at first is still given back. */
void kf_screen_enter(struct kf_screen *screen);
void kf_screen_leave(struct kf_screen *screen);

/* Replaces what is on the screen by this text, whose lines fit. */
void kf_screen_draw(const char *text);

/* 24 and 80 if it cannot be told. */
void kf_screen_size(unsigned int *rows, unsigned int *columns);

#endif
