/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/status_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "capture/recorder.h"

static void it_counts_as_status_does(void **state)
{
	const struct kf_recorder_status now = {
		.window_held_ns = 10000000000,
		.records_dropped = 1,
		.flooded = 20,
		.no_state = 300,
		.hits = 2,
		.suppressed = 35,
	};
	char text[KF_STATUS_LINE_BYTES];

	(void)state;
	kf_status_line_text(&now, 12, 45200, 2, text);
	assert_string_equal(text, "12 s: window 10.0 s, 45.2 k/s, 321 lost, fired 37, suppressed 35, 2 snapshots");
}

static void an_idle_one_fits_a_terminal(void **state)
{
	const struct kf_recorder_status now = { .window_held_ns = 10000000000 };
	char text[KF_STATUS_LINE_BYTES];

	(void)state;
	kf_status_line_text(&now, 3600, 100000, 1, text);
	assert_string_equal(text, "3600 s: window 10.0 s, 100.0 k/s, 0 lost, fired 0, suppressed 0, 1 snapshot");
	assert_in_range(strlen(text), 1, 79);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_counts_as_status_does),
		cmocka_unit_test(an_idle_one_fits_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
