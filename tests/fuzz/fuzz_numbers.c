/* Whole numbers, money, phones and times: what is written is read back, what is normal stays as it is. */
#include <errno.h>
#include <math.h>

#include "base/number.h"
#include "fuzz.h"

#include "base/clock.h"
#include "base/money.h"
#include "base/phone.h"
#include "base/text.h"

/* Years are written with as many digits as they have, and read with four. */
#define FIRST_YEAR INT64_C(-30609792000) /* 1000 */
#define LAST_YEAR  INT64_C(253370764800) /* 9999 */

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return clock_set_zone("Europe/Moscow") ? 0 : 1;
}

static void
check_format(int64_t kopecks)
{
	char text[MONEY_TEXT];
	int64_t back = 0;

	money_format(text, kopecks);
	REQUIRE(strlen(text) < MONEY_TEXT);
	if (kopecks >= -MONEY_MAX && kopecks <= MONEY_MAX)
		REQUIRE(money_parse(text, &back) && back == kopecks);
	else
		REQUIRE(!money_parse(text, &back) && back == 0);
	REQUIRE(llabs(money_round(kopecks) - kopecks / 100) <= 1);
}

static void
check_money(const char *text)
{
	int64_t kopecks = 4242, again = 0;
	double real;

	if (!money_parse(text, &kopecks)) {
		REQUIRE(kopecks == 4242);
		return;
	}
	REQUIRE(kopecks >= -MONEY_MAX && kopecks <= MONEY_MAX);
	check_format(kopecks);
	/* Reading it as people write it, it is the same or has two readings. */
	REQUIRE(!money_read(text, &again) || again == kopecks);
	/* A JSON number of the same amount is the same money. */
	real = strtod(text, NULL);
	REQUIRE(money_from_real(real, &again) && again == kopecks);
	if (kopecks % 100 == 0)
		REQUIRE(money_from_roubles(kopecks / 100, &again) && again == kopecks);
}

static void
check_written_money(const char *text)
{
	int64_t kopecks = 4242;

	if (money_read(text, &kopecks))
		check_format(kopecks);
	else
		REQUIRE(kopecks == 4242);
}

/* Read as strtoll(3) would, where that is strict enough. */
static void
check_number(const char *text)
{
	int64_t number = -1;
	char *end;

	errno = 0;
	if (number_parse(text, 7, 4242, &number))
		REQUIRE(number == strtoll(text, &end, 10) && number >= 7 && number <= 4242 &&
		    *end == '\0');
	else
		REQUIRE(number == -1);
	errno = 0;
	if (number_parse(text, 0, INT64_MAX, &number))
		REQUIRE(number == strtoll(text, &end, 10) && errno == 0 && *end == '\0');
	else
		REQUIRE(text[0] < '0' || text[0] > '9' ||
		    (strtoll(text, &end, 10) >= 0 && (errno != 0 || *end != '\0')));
}

static void
check_real(double real)
{
	int64_t kopecks = 4242;

	if (!money_from_real(real, &kopecks))
		REQUIRE(kopecks == 4242);
	else
		REQUIRE(isfinite(real) && (double)kopecks / 100.0 == real);
}

/* Each number of a text, which gets shorter with it, is read back from what is written. */
static void
check_phone(const char *text)
{
	char normal[PHONE_TEXT] = "untouched";
	const char *rest = text, *before = text, *again;
	struct phone phone, back;
	bool first = true;

	REQUIRE(phone_normalize(text, normal) || strcmp(normal, "untouched") == 0);
	for (; phone_next(&rest, &phone); before = rest, first = false) {
		REQUIRE(rest > before);
		REQUIRE(!first || strcmp(normal, phone.written) == 0);
		REQUIRE(phone.written[0] == '+' &&
		    strspn(phone.written + 1, "0123456789") == strlen(phone.written + 1));
		REQUIRE(strlen(phone.written + 1) >= PHONE_DIGITS_MIN &&
		    strlen(phone.written + 1) <= PHONE_DIGITS_MAX);
		REQUIRE(strlen(phone_tail(&phone)) <= PHONE_TAIL);
		again = phone.written;
		REQUIRE(phone_next(&again, &back) && strcmp(back.written, phone.written) == 0);
		REQUIRE(phone_same(&phone, &back) && phone_same(&back, &phone));
	}
	REQUIRE(*rest == '\0' && (!first || strcmp(normal, "untouched") == 0));
}

static void
check_time(const char *text)
{
	char local[CLOCK_TEXT], utc[CLOCK_TEXT];
	int64_t seconds = 0, back = 0;

	if (!clock_parse(text, &seconds))
		return;
	clock_utc(utc, seconds);
	clock_local(local, seconds);
	if (seconds < FIRST_YEAR || seconds >= LAST_YEAR)
		return;
	REQUIRE(clock_parse(clock_utc(utc, seconds), &back) && back == seconds);
	/* The hour that comes twice in autumn may mean either. */
	REQUIRE(clock_parse(clock_local(local, seconds), &back) && llabs(back - seconds) <= 7200);
}

static void
check_text(const char *text)
{
	char *folded = text_fold(text), *twice = text_fold(folded), *line = text_one_line(text);
	size_t length;
	const char *trimmed = text_trim(text, &length);

	REQUIRE(strlen(folded) == strlen(text) && strcmp(folded, twice) == 0);
	REQUIRE(!text_has_controls(line) && strlen(line) <= strlen(text));
	REQUIRE(trimmed >= text && trimmed + length <= text + strlen(text));
	REQUIRE(text_characters(text) <= strlen(text));
	free(folded);
	free(twice);
	free(line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	int64_t number;
	double real;

	check_number(text);
	check_money(text);
	check_written_money(text);
	check_phone(text);
	check_time(text);
	check_text(text);
	if (size >= sizeof(number)) {
		memcpy(&number, data, sizeof(number));
		memcpy(&real, data, sizeof(real));
		if (number != INT64_MIN)
			check_format(number);
		check_real(real);
	}
	free(text);
	return 0;
}
