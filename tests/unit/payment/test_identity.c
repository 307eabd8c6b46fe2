#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.c"

#include "payment/payment.h"

/* The identities of a payer of whom these three are told; the payment is freed by forget(). */
static struct payment *paid;

static size_t
identities(const char *telegram, const char *phone, const char *email,
    struct identity who[static IDENTITIES_MAX])
{
	struct sample sample = { .telegram = telegram, .phone = phone, .email = email };

	payment_free(paid);
	paid = sample_payment(&sample);
	return payment_identities(paid, who);
}

static int
forget(void **state)
{
	(void)state;
	payment_free(paid);
	paid = NULL;
	return 0;
}

static int64_t
hash_of_one(const char *telegram, const char *phone, const char *email)
{
	struct identity who[IDENTITIES_MAX];

	assert_int_equal(identities(telegram, phone, email, who), 1);
	return who[0].hash;
}

static void
in_the_order_of_the_search(void **state)
{
	struct identity who[IDENTITIES_MAX];

	(void)state;
	assert_int_equal(identities("123456789", "8 (999) 000-00-01", "Ivan@Example.com", who), 3);
	assert_int_equal(who[0].kind, IDENTITY_TELEGRAM);
	assert_string_equal(who[0].text, "123456789");
	assert_int_equal(who[1].kind, IDENTITY_PHONE);
	assert_string_equal(who[1].text, "9990000001");
	assert_int_equal(who[2].kind, IDENTITY_EMAIL);
	assert_string_equal(who[2].text, "Ivan@Example.com"); /* As sent. */

	assert_int_equal(identities(NULL, "+79990000001", "ivan@example.com", who), 2);
	assert_int_equal(who[0].kind, IDENTITY_PHONE);
	assert_int_equal(identities(NULL, NULL, NULL, who), 0);
}

/* They are kept in the ledger for ever, so they must be the same in every version of the program. */
static void
hashes_never_change(void **state)
{
	(void)state;
	assert_true(hash_of_one("123456789", NULL, NULL) == INT64_C(3262448785147486113));
	assert_true(hash_of_one(NULL, "+79990000001", NULL) == INT64_C(1163863334979668342));
	assert_true(hash_of_one(NULL, NULL, "ivan@example.com") == INT64_C(2173703352007543378));
	/* A phone is hashed by its last ten digits, or by all of fewer. */
	assert_true(hash_of_one(NULL, "+14155552671", NULL) == INT64_C(85561184627621736));
	assert_true(hash_of_one(NULL, "2223344", NULL) == INT64_C(4334658683227059782));
	assert_true(hash_of_one(NULL, NULL, "ИВАН@EXAMPLE.com") == INT64_C(345440959977653170));
}

static void
every_spelling_hashes_alike(void **state)
{
	static const char *const phones[] = { "8 (999) 000-00-01", "79990000001",
		"+7 999 000 00 01", "9990000001", "007-999-000-00-01" };
	static const char *const emails[] = { "IVAN@EXAMPLE.COM", "Ivan@Example.com",
		"  ivan@example.com " };
	int64_t phone = hash_of_one(NULL, "+79990000001", NULL),
		email = hash_of_one(NULL, NULL, "ivan@example.com");

	(void)state;
	for (size_t i = 0; i < sizeof(phones) / sizeof(phones[0]); i++)
		assert_true(hash_of_one(NULL, phones[i], NULL) == phone);
	for (size_t i = 0; i < sizeof(emails) / sizeof(emails[0]); i++)
		assert_true(hash_of_one(NULL, NULL, emails[i]) == email);
}

/* What stands beside the first number changes nothing of it; the others are identities, too. */
static void
several_phones(void **state)
{
	struct identity who[IDENTITIES_MAX];

	(void)state;
	assert_true(hash_of_one(NULL, "8 999 000-00-01 доб. 12", NULL) ==
	    hash_of_one(NULL, "+79990000001", NULL));
	assert_int_equal(identities("123456789",
			     "+7 999 000-00-01, 8 999 000 00 02; 89990000001 или 9990000003, "
			     "89990000004",
			     "ivan@example.com", who),
	    5);
	assert_string_equal(paid->phone, "+79990000001");
	assert_string_equal(who[1].text, "9990000001");
	assert_true(who[1].hash == INT64_C(1163863334979668342));
	assert_string_equal(who[2].text, "9990000002");
	assert_string_equal(who[3].text, "9990000003");
	assert_int_equal(who[3].kind, IDENTITY_PHONE);
	assert_int_equal(who[4].kind, IDENTITY_EMAIL);
}

static void
different_people_differ(void **state)
{
	(void)state;
	assert_true(hash_of_one("123456789", NULL, NULL) != hash_of_one("123456780", NULL, NULL));
	assert_true(
	    hash_of_one(NULL, "+79990000001", NULL) != hash_of_one(NULL, "+79990000002", NULL));
	assert_true(
	    hash_of_one(NULL, NULL, "a@example.com") != hash_of_one(NULL, NULL, "b@example.com"));
	/* The same digits as a Telegram id and as a phone are two people. */
	assert_true(hash_of_one("9990000001", NULL, NULL) != hash_of_one(NULL, "9990000001", NULL));
}

/* A lock's number and a column of the ledger where 0 means "unknown". */
static void
hashes_are_positive(void **state)
{
	char id[16];

	(void)state;
	for (int i = 100001; i <= 100064; i++) {
		snprintf(id, sizeof(id), "%d", i);
		assert_true(hash_of_one(id, NULL, NULL) > 0);
	}
}

/* What people write into a form that insists on an answer must not make one person of them all. */
static void
placeholders_identify_nobody(void **state)
{
	static const char *const ids[] = { "", "0", "000", "-", "none", "@", "null", "1", "-1",
		"999", "1234", "0001234", "-1001234567890" };
	static const char *const phones[] = { "", "-", "нет", "123456", "1234567890123456",
		"+7 999 999-99-99", "0000000", "1234567", "1234567890", "доб. 12",
		"1234567, 0000000" };
	static const char *const emails[] = { "", "-", "none", "@", "ivan@", "@example.com", "null",
		"none@none", "test@test", "ivan@.com", "ivan@example.", "Test@test.com",
		"none@NONE.ru" };
	struct identity who[IDENTITIES_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		assert_int_equal(identities(ids[i], NULL, NULL, who), 0);
	for (size_t i = 0; i < sizeof(phones) / sizeof(phones[0]); i++)
		assert_int_equal(identities(NULL, phones[i], NULL, who), 0);
	for (size_t i = 0; i < sizeof(emails) / sizeof(emails[0]); i++)
		assert_int_equal(identities(NULL, NULL, emails[i], who), 0);
	/* Nor is any of them written into a contact. */
	identities("1", "1234567", "none@none", who);
	assert_string_equal(paid->telegram_id, "");
	assert_string_equal(paid->phone, "");
	assert_string_equal(paid->email, "");
}

static void
what_only_looks_like_a_placeholder(void **state)
{
	struct identity who[IDENTITIES_MAX];

	(void)state;
	assert_int_equal(identities("10000", "+7 999 999-99-98", "none@example.com", who), 3);
	assert_int_equal(identities("123456789", "8 800 000-00-00", "test@test-school.ru", who), 3);
	assert_int_equal(identities("@ivan1", NULL, "ivan@ivan.ru", who), 2);
	/* The next number of the same text is one. */
	assert_int_equal(identities(NULL, "0000000, 89990000001", NULL, who), 1);
	assert_string_equal(paid->phone, "+79990000001");
}

static void
names(void **state)
{
	(void)state;
	assert_string_equal(identity_name(IDENTITY_TELEGRAM), "telegram");
	assert_string_equal(identity_name(IDENTITY_PHONE), "phone");
	assert_string_equal(identity_name(IDENTITY_EMAIL), "email");
}

#define TEST(name) cmocka_unit_test_teardown(name, forget)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(in_the_order_of_the_search),
		TEST(hashes_never_change),
		TEST(every_spelling_hashes_alike),
		TEST(several_phones),
		TEST(different_people_differ),
		TEST(hashes_are_positive),
		TEST(placeholders_identify_nobody),
		TEST(what_only_looks_like_a_placeholder),
		TEST(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
