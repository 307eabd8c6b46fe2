#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/url.h"

static void
good_urls(void **state)
{
	static const char *const good[] = { "https://account.example.com",
		"https://account.example.com/", "https://account.example.com//",
		"https://demo.example.com:8443", "HTTPS://demo.example.com", "http://127.0.0.1",
		"http://127.0.0.1:8080/", "http://127.255.1.2:1", "http://localhost:65535",
		"http://LOCALHOST", "http://[::1]", "http://[::1]:8080",
		"https://[2001:db8::1]:443" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(url_is_base(good[i]));
}

static void
bad_urls(void **state)
{
	static const char *const bad[] = { "", "account.example.com", "https://", "https:///",
		"ftp://demo.example.com", "http://account.example.com", "http://127.example.com",
		"http://127.0.0.1.example.com", "http://128.0.0.1", "http://localhost.example.com",
		"http://10.0.0.1", "http://[::2]", "https://demo.example.com/api",
		"https://demo.example.com?x", "https://demo.example.com#x",
		"https://user@demo.example.com", "http://127.0.0.1@demo.example.com",
		"https://demo.example.com:", "https://demo.example.com:0",
		"https://demo.example.com:65536", "https://demo.example.com:99999999999",
		"https://demo.example.com:8x", "https://demo example.com",
		"https://demo.example.com ", "https://[::1", "https://[]", "https://\xD0\xB0.ru" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(url_is_base(bad[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_urls),
		cmocka_unit_test(bad_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
