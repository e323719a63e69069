/* SPDX-License-Identifier: BSD-2-Clause */
#include "top/screen.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* xterm's control sequences, which every terminal in use knows. */
#define ALTERNATE_SCREEN "\033[?1049h"
#define NORMAL_SCREEN	 "\033[?1049l"
#define HIDE_CURSOR	 "\033[?25l"
#define SHOW_CURSOR	 "\033[?25h"
#define HOME		 "\033[H"
#define CLEAR_LINE_REST	 "\033[K"
#define CLEAR_BELOW	 "\033[J"

static void apply(const struct kf_screen *screen)
{
	struct termios keys;

	if (screen->has_keys) {
		keys = screen->before;
		keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* ISIG stays: Ctrl-C and Ctrl-Z are signals */
		keys.c_cc[VMIN] = 0;
		keys.c_cc[VTIME] = 0;
		tcsetattr(STDIN_FILENO, TCSANOW, &keys);
	}
	fputs(ALTERNATE_SCREEN HIDE_CURSOR HOME CLEAR_BELOW, stdout);
	fflush(stdout);
}

void kf_screen_enter(struct kf_screen *screen)
{
	if (!screen->entered)
		screen->has_keys = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &screen->before);
	screen->entered = true;
	apply(screen);
}

void kf_screen_leave(struct kf_screen *screen)
{
	if (!screen->entered)
		return;
	fputs(SHOW_CURSOR NORMAL_SCREEN, stdout);
	fflush(stdout);
	if (screen->has_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &screen->before);
	screen->entered = false;
}

/* Line over line instead of clearing first: nothing flickers. */
void kf_screen_draw(const char *text)
{
	fputs(HOME, stdout);
	while (*text) {
		size_t len = strcspn(text, "\n");

		fwrite(text, 1, len, stdout);
		fputs(CLEAR_LINE_REST, stdout);
		text += len;
		if (*text && *++text)
			fputs("\r\n", stdout);
	}
	fputs(CLEAR_BELOW, stdout);
	fflush(stdout);
}

void kf_screen_size(unsigned int *rows, unsigned int *columns)
{
	struct winsize size = { 0 };

	*rows = 24;
	*columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
		return;
	*rows = size.ws_row;
	*columns = size.ws_col;
}
