/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/html.h"

#include <errno.h>
#include <stddef.h>

#include "base/error.h"
#include "output/html_data.h"
#include "output/page.h"
#include "output/report_data.h"

/* page_head[] and page_tail[]: the page before and behind its data, made by the Makefile from html/page.*. */
#include "page.inc"

static int write_page(const struct kf_page *p, struct kf_error *e)
{
	errno = 0; /* what a write long ago failed with is still to be told: nothing else here fails and goes on */
	fwrite(page_head, 1, sizeof(page_head), p->out);
	if (kf_html_data_write(p, e))
		return -1;
	fwrite(page_tail, 1, sizeof(page_tail), p->out);
	if (fflush(p->out) || ferror(p->out))
		return kf_fail_errno(e, errno ? errno : EIO, NULL, "cannot write the page");
	return 0;
}

int kf_report_html(const struct kf_timeline *t, const struct kf_snapshot *s, const struct kf_report_options *o,
		   FILE *out, struct kf_error *e)
{
	struct kf_report_data d;
	struct kf_page p = { .out = out, .t = t, .s = s, .o = o, .d = &d };
	int err = kf_report_data_init(&d, t, s, o, e);

	if (!err)
		err = write_page(&p, e);
	kf_report_data_release(&d);
	return err;
}
