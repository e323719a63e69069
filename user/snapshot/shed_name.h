/* SPDX-License-Identifier: BSD-2-Clause */
/* shed_name.h - what a level of enum kf_shed_level gives up, as a word: "nothing", "syscalls", "interrupts" (and all before), else
 * "unknown". */
#ifndef KF_SNAPSHOT_SHED_NAME_H
#define KF_SNAPSHOT_SHED_NAME_H

const char *kf_shed_name(unsigned int level);

#endif
