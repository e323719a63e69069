/* SPDX-License-Identifier: BSD-2-Clause */
/* record.c - the recorder: attach, wait for triggers, write snapshots. */
#include "cmd/cmd.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "capture/opener.h"
#include "cmd/record_options.h"
#include "cmd/record_reload.h"
#include "daemon/hooks.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/output_dir.h"

static const struct kf_command command = {
	.name = "record",
	.summary = "keep the last seconds of scheduling in memory, save them when something is late",
	.description =
		"Scheduling is recorded for the whole host: who ran, who was woken by whom, who waited for what. "
		"Nothing is written and this program sleeps until a trigger fires, SIGUSR1 or `kflight snapshot` "
		"asks, or the recording ends without triggers. The filter only chooses who can trigger.\n"
		"Each option can also be set in a config file, and by the environment: KFLIGHT_MIN_FREE=5%. "
		"SIGHUP reads the file again.",
	.examples = "  kflight record -p 2144 --trigger 'runq>5ms' --trigger 'futex>50ms' -o /var/lib/kflight\n"
		    "  kflight record --comm 'postgres*' --trigger 'block>1s' --after 500ms --count 1\n"
		    "  kflight record --trigger 'p99(runq)>2ms/1s {name=tail}' --limit 10/h --keep 100,2gb\n"
		    "  kflight record --config /etc/kflight/kflight.conf\n"
		    "  kflight record --duration 5s\n"
		    "  kill -USR1 $(pidof kflight)",
};

/* What lives beside the recorder. */
struct company {
	struct kf_hooks *hooks;
	struct kf_opener *opener;
	struct kf_log *log;
	struct kf_notify *notify;
};

/* Forked while there is one thread, no probe and no descriptor but those of the start. */
static int start_hooks(const struct kf_record_options *o, struct kf_hooks **out, struct kf_error *e)
{
	const struct kf_hooks_options hooks = {
		.exec = o->daemon.exec,
		.exec_timeout_ns = o->daemon.exec_timeout_ns,
		.convert = o->daemon.convert,
		.group = kf_output_dir_group(o->recording.dir),
		.space = o->daemon.space,
	};

	if ((hooks.exec || hooks.convert) && kf_output_dir_check_hooks(o->recording.dir, hooks.convert, e))
		return -1;
	return kf_hooks_new(out, &hooks, e);
}

static int start_company(const struct kf_record_options *o, struct company *c, struct kf_error *e)
{
	int fd;

	if (kf_notify_parse_fd(o->notify, &fd, e))
		return kf_config_blame(o->config, o->notify, e);
	return start_hooks(o, &c->hooks, e) || kf_opener_new(&c->opener, e) || kf_log_new(&c->log, o->log_format, e) ||
	       kf_notify_new(&c->notify, fd, e);
}

static void end_company(struct company *c)
{
	kf_hooks_free(&c->hooks);
	kf_opener_free(&c->opener);
	kf_log_free(&c->log);
	if (c->notify)
		kf_notify_free(&c->notify);
}

/* Standard output is where the log goes anyway (a service's): paths are in its lines then. */
static bool is_one_stream(void)
{
	struct stat out, err;

	return !isatty(STDOUT_FILENO) && !fstat(STDOUT_FILENO, &out) && !fstat(STDERR_FILENO, &err) &&
	       S_ISSOCK(out.st_mode) && out.st_dev == err.st_dev && out.st_ino == err.st_ino;
}

static int serve(struct kf_record_options *o, const struct company *c, struct kf_reload *reload,
		 struct kf_service_result *result)
{
	struct kf_service_options opts;

	kf_recording_service_options(&o->recording, &opts);
	opts.daemon = o->daemon;
	opts.hooks = c->hooks;
	opts.opener = c->opener;
	opts.log = c->log;
	opts.notify = c->notify;
	opts.prints_paths = !is_one_stream();
	opts.drops_rights = true;
	if (o->config_path || kf_config_path(o->config)) {
		opts.reload = kf_record_reload;
		opts.context = reload;
	}
	return kf_recording_serve(&o->recording, &opts, result);
}

static int record(struct kf_record_options *o, int argc, char **argv)
{
	struct kf_reload reload = { .command = &command, .argc = argc, .argv = argv, .running = o };
	struct kf_service_result result = { 0 };
	struct company company = { 0 };
	struct kf_error e;
	int status;

	if (kf_recording_prepare(&o->recording, &e) || start_company(o, &company, &e) ||
	    kf_recording_start(&o->recording, company.opener, &e)) {
		status = kf_error_print(&e);
	} else {
		reload.log = company.log;
		status = serve(o, &company, &reload, &result);
		if (status == KF_OK && !result.written && o->recording.triggers.n_rules)
			kf_note("no trigger fired, nothing was written");
	}
	kf_record_reload_release(&reload);
	end_company(&company);
	return status;
}

int cmd_record(int argc, char **argv)
{
	struct kf_record_options o;
	struct kf_error e;
	int parsed, status;

	kf_record_options_init(&o);
	parsed = kf_record_options_read(&o, &command, argc, argv, environ, &e);
	if (parsed > 0)
		status = KF_OK;
	else if (parsed || kf_record_options_understand(&o, &e) || kf_record_options_check_names(&o, &e))
		status = kf_error_print(&e);
	else
		status = record(&o, argc, argv);
	kf_record_options_release(&o);
	return status;
}
