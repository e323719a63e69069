/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd.h - the verbs: one file each, all return an exit status (base/error.h). argv[0] is the verb. */
#ifndef KF_CMD_CMD_H
#define KF_CMD_CMD_H

int cmd_record(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_snapshot(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_triggers(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_bench(int argc, char **argv);

#endif
