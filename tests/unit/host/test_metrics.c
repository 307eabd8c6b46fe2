#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.c"

#include "host/metrics.h"

#define NOW INT64_C(1737374400000)

static struct metrics *metrics;
static struct metrics_values values;
static struct fault why;

static int
set_up(void **state)
{
	(void)state;
	fixture_begin();
	return metrics_open(fixture_path("."), &metrics, &why) != DONE;
}

static int
tear_down(void **state)
{
	(void)state;
	metrics_close(metrics);
	fixture_end();
	return 0;
}

static void
read_all(void)
{
	assert_true(metrics_read(metrics, &values));
}

static void
test_kinds(void **state)
{
	static const struct {
		enum metrics_call call;
		const char *name;
	} calls[] = {
		{ METRICS_CONTACT_READ, "contact_read" },
		{ METRICS_CONTACT_CREATE, "contact_create" },
		{ METRICS_CONTACT_UPDATE, "contact_update" },
		{ METRICS_LEAD_READ, "lead_read" },
		{ METRICS_LEAD_CREATE, "lead_create" },
		{ METRICS_LEAD_UPDATE, "lead_update" },
		{ METRICS_NOTE_READ, "note_read" },
		{ METRICS_NOTE_CREATE, "note_create" },
		{ METRICS_OTHER_CALL, "other" },
	};
	static const struct {
		int status;
		const char *reply;
	} replies[] = { { 0, "none" }, { 200, "2xx" }, { 204, "2xx" }, { 302, "3xx" },
		{ 400, "4xx" }, { 401, "401" }, { 402, "402" }, { 403, "403" }, { 404, "4xx" },
		{ 429, "429" }, { 500, "5xx" }, { 599, "5xx" } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		assert_string_equal(metrics_calls[calls[i].call], calls[i].name);
	for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		assert_string_equal(
		    metrics_replies[metrics_reply(replies[i].status)], replies[i].reply);
	assert_string_equal(metrics_answers[metrics_answer("unavailable")], "unavailable");
	assert_string_equal(metrics_answers[metrics_answer("nobody says so")], "other");
	assert_string_equal(metrics_answers[metrics_answer(NULL)], "other");
}

static void
test_count(void **state)
{
	(void)state;
	metrics_request(metrics, "success", 5, NOW);
	metrics_request(metrics, "success", 6, NOW);
	metrics_request(metrics, "queued", 60000, NOW);
	metrics_delivery(metrics, DONE, 100);
	metrics_delivery(metrics, LATER, 100);
	metrics_delivery(metrics, UNSURE, 100);
	metrics_call(metrics, METRICS_LEAD_CREATE, 200, 30);
	metrics_call(metrics, METRICS_LEAD_CREATE, 0, 10000);
	read_all();
	assert_int_equal(values.requests[metrics_answer("success")], 2);
	assert_int_equal(values.requests[metrics_answer("queued")], 1);
	/* A bound belongs to the class below it; the last class takes what is beyond all. */
	assert_int_equal(values.receive.classes[0], 1);
	assert_int_equal(values.receive.classes[1], 1);
	assert_int_equal(values.receive.classes[METRICS_BOUNDS], 1);
	assert_int_equal(values.receive.sum_ms, 60011);
	assert_int_equal(values.deliveries[0], 1);
	assert_int_equal(values.deliveries[1], 1);
	assert_int_equal(values.deliveries[3], 1);
	assert_int_equal(values.deliver.sum_ms, 300);
	assert_int_equal(values.replies[METRICS_LEAD_CREATE][metrics_reply(200)], 1);
	assert_int_equal(values.replies[METRICS_LEAD_CREATE][metrics_reply(0)], 1);
	assert_int_equal(values.calls[METRICS_LEAD_CREATE].sum_ms, 10030);
	/* Nobody else's cells were touched. */
	assert_int_equal(values.calls[METRICS_LEAD_READ].sum_ms, 0);
	assert_int_equal(values.calls[METRICS_CALLS - 1].sum_ms, 0);
}

/* All processes count into one file, and nothing of a process that is killed is lost. */
static void
test_many_processes(void **state)
{
	enum {
		PROCESSES = 4,
		EACH = 5000
	};
	int i, n;

	(void)state;
	for (i = 0; i < PROCESSES; i++) {
		if (fork() != 0)
			continue;
		if (metrics_open(fixture_path("."), &metrics, &why) != DONE)
			_exit(1);
		for (n = 0; n < EACH; n++)
			metrics_request(metrics, "success", 1, NOW);
		kill(getpid(), SIGKILL);
	}
	while (wait(NULL) > 0)
		continue;
	read_all();
	assert_int_equal(values.requests[metrics_answer("success")], PROCESSES * EACH);
	assert_int_equal(values.receive.classes[0], PROCESSES * EACH);
}

static void
test_minutes(void **state)
{
	struct metrics_minute sum;
	int64_t later = NOW + 9 * 60000;

	(void)state;
	metrics_request(metrics, "success", 1, NOW);
	metrics_request(metrics, "unauthorized", 1, NOW);
	metrics_request(metrics, "unauthorized", 1, later);
	metrics_backlog(metrics, NOW, 0);
	metrics_backlog(metrics, later, 12);
	metrics_recent(metrics, later, 10, &sum);
	assert_int_equal(sum.requests, 3);
	assert_int_equal(sum.unauthorized, 2);
	assert_int_equal(sum.backlog, 0);
	metrics_recent(metrics, later, 9, &sum);
	assert_int_equal(sum.requests, 1);
	assert_int_equal(sum.backlog, -1);
	metrics_recent(metrics, later + 1000, METRICS_NEAR_MINUTES, &sum);
	assert_int_equal(sum.backlog, 12);
	/* Minutes that nobody saw. */
	metrics_recent(metrics, later + 30 * 60000, 20, &sum);
	assert_int_equal(sum.requests, 0);
	assert_int_equal(sum.backlog, -1);
	/* The ring's places are used again. */
	metrics_request(metrics, "success", 1, NOW + (METRICS_MINUTES + 1) * 60000);
	metrics_recent(metrics, NOW + (METRICS_MINUTES + 1) * 60000, METRICS_MINUTES, &sum);
	assert_int_equal(sum.requests, 2);
}

static void
test_expiry(void **state)
{
	struct metrics *reader = NULL;

	(void)state;
	assert_int_equal(metrics_expiry(metrics), 0);
	metrics_tell_expiry(metrics, 4102444800);
	assert_int_equal(metrics_open_to_read(fixture_path("."), &reader, &why), DONE);
	assert_int_equal(metrics_expiry(reader), 4102444800);
	/* Who only looks changes nothing. */
	metrics_tell_expiry(reader, 1);
	metrics_request(reader, "success", 1, NOW);
	metrics_backlog(reader, NOW, 1);
	metrics_close(reader);
	read_all();
	assert_int_equal(values.requests[0], 0);
	assert_int_equal(metrics_expiry(metrics), 4102444800);
}

static void
test_survives_processes_but_not_another_layout(void **state)
{
	FILE *file;

	(void)state;
	metrics_request(metrics, "success", 1, NOW);
	metrics_close(metrics);
	assert_int_equal(metrics_open(fixture_path("."), &metrics, &why), DONE);
	read_all();
	assert_int_equal(values.requests[0], 1);
	metrics_close(metrics);
	metrics = NULL;

	assert_non_null(file = fopen(fixture_path("metrics"), "r+"));
	fputs("something else", file);
	fclose(file);
	assert_int_equal(metrics_open_to_read(fixture_path("."), &metrics, &why), BROKEN);
	assert_int_equal(metrics_open(fixture_path("."), &metrics, &why), DONE);
	read_all();
	assert_int_equal(values.requests[0], 0);
}

/* The run directory is emptied: all count anew, together. */
static void
test_emptied(void **state)
{
	struct metrics *other;

	(void)state;
	assert_int_equal(metrics_open(fixture_path("."), &other, &why), DONE);
	metrics_request(metrics, "success", 1, NOW);
	unlink(fixture_path("metrics"));
	metrics_request(metrics, "success", 1, NOW);
	metrics_request(other, "success", 1, NOW);
	metrics_close(other);
	read_all();
	assert_int_equal(values.requests[0], 2);
}

static void
test_without_a_file(void **state)
{
	struct metrics *none = NULL;
	struct metrics_minute sum;
	struct stat st;

	(void)state;
	assert_int_equal(metrics_open(fixture_path("nowhere"), &none, &why), BROKEN);
	assert_non_null(strstr(why.text, "metrics"));
	assert_int_equal(mkdir(fixture_path("empty"), 0700), 0);
	assert_int_equal(metrics_open_to_read(fixture_path("empty"), &none, &why), BROKEN);
	assert_int_equal(stat(fixture_path("empty/metrics"), &st), -1);
	assert_null(none);
	metrics_request(NULL, "success", 1, NOW);
	metrics_delivery(NULL, DONE, 1);
	metrics_call(NULL, METRICS_OTHER_CALL, 200, 1);
	metrics_backlog(NULL, NOW, 1);
	metrics_tell_expiry(NULL, 1);
	metrics_recent(NULL, NOW, 10, &sum);
	assert_int_equal(sum.requests, 0);
	assert_int_equal(sum.backlog, -1);
	assert_false(metrics_read(NULL, &values));
	assert_int_equal(metrics_expiry(NULL), 0);
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_kinds),
		test(test_count),
		test(test_many_processes),
		test(test_minutes),
		test(test_expiry),
		test(test_survives_processes_but_not_another_layout),
		test(test_emptied),
		test(test_without_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
