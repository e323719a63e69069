/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rule_name.h - a name for a trigger that was given none, from what it says: "runq-5ms", "futex-50ms-nginx", "p99-runq-2ms",
 * "syscall-read-100ms", "runq-5ms-or-block-1s".
 */
#ifndef KF_EXPR_RULE_NAME_H
#define KF_EXPR_RULE_NAME_H

#include <stdbool.h>

#include "expr/settings.h"

struct kf_condition;

/* A name as kf_rule_name_check() wants it; long ones are cut. */
void kf_rule_name_make(char name[KF_RULE_NAME_BYTES], const struct kf_condition *c);
/* Puts "-NUMBER" at its end, and cuts what is before as needed. */
void kf_rule_name_number(char name[KF_RULE_NAME_BYTES], unsigned int number);

/* Is it what a trigger of this text is called if it is given no name? */
bool kf_rule_name_is_made(const char *name, const char *text);

#endif
