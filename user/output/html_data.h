/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * html_data.h - what a page shows, as one JSON object. Only page.js reads it, so it is made to be short: lists instead of
 * objects where there are many, threads by number, times in ns from the floor of the window.
 *
 *	kflight, host, kernel, machine   texts
 *	sentence                         why the snapshot was taken
 *	own                              "nginx/2144", the process that triggered; null if there is none, or not chosen
 *	floor_us                         wall clock of the floor, us since 1970
 *	length, asked                    of the window
 *	trigger                          when it fired; null if not known
 *	cpus                             how many wrote something
 *	n_gaps, gaps_ns                  all that fit the options, shown here or not
 *	leaves_out                       1: the options leave out gaps
 *	n_own_gaps                       ... of which of the process that triggered
 *	findings                         html_findings.h; null not looked for
 *	n_findings                       found, shown here or not
 *	stories                          html_story.h
 *	gaps                             html_gaps.h
 *	threads                          [[who, running, ready, gaps, worst, unknown, blocked, "poll 9.60 s, ..."], ...]
 *	n_threads                        all that fit the options
 *	culprits                         [[who, threads of that name, ns, victims, top victim, its ns], ...]
 *	n_culprits                       likewise
 *	missing                          texts
 *	shown                            {gaps, own_gaps, sentences, pictures}: how many gaps have them
 *	who                              html_who.h
 */
#ifndef KF_OUTPUT_HTML_DATA_H
#define KF_OUTPUT_HTML_DATA_H

struct kf_error;
struct kf_page;

/* To p->out, with which write errors stay. */
int kf_html_data_write(const struct kf_page *p, struct kf_error *e);

#endif
