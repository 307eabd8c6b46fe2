# platform-payment-sync: `make help` lists what can be asked for.
#
# Objects go to build/; `make SAN=1 ...` builds the same with AddressSanitizer and UBSan into build/san/.  V=1 shows the
# commands.  WERROR=1 makes warnings fatal, as CI does.

comma      := ,
PREFIX     ?= /usr/local
DESTDIR    ?=
CC         ?= gcc
VERSION    := $(shell sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)

WARNINGS   := -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
              -Wwrite-strings -Wconversion -Wno-sign-conversion -Wformat=2 -Wundef -Wvla $(if $(WERROR),-Werror)
HARDENING  := -fstack-protector-strong -fPIE -fcf-protection -D_FORTIFY_SOURCE=2
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPTIMISE   ?= -O2 -g

B          := $(if $(SAN),build/san,build)
CPPFLAGS   += -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Ilib
ALL_CFLAGS := -std=c11 $(OPTIMISE) $(WARNINGS) $(if $(SAN),$(SANITIZERS),$(HARDENING)) $(CFLAGS)
ALL_LDFLAGS := $(if $(SAN),$(SANITIZERS),-pie -Wl$(comma)-z$(comma)relro$(comma)-z$(comma)now) $(LDFLAGS)
LIBS       := -lcurl -ljansson -lcrypto -lsqlite3 -lm
Q          := $(if $(V),,@)

LIB        := $(B)/libpaymentsync.a
EMBEDDED   := $(addprefix $(B)/lib/,rules/builtin.o ledger/version_1.o ledger/version_2.o ledger/version_3.o ledger/version_4.o ledger/version_5.o web/locale_texts.o web/status_template.o)
LIB_OBJ    := $(patsubst %.c,$(B)/%.o,$(wildcard lib/*/*.c)) $(EMBEDDED)
FCGI_OBJ   := $(addprefix $(B)/cgi/,payment.o startup.o fastcgi.o exchange.o pool.o notify.o log.o error_stream.o)
SYNCD_OBJ  := $(addprefix $(B)/cgi/,syncd.o backlog.o startup.o pool.o notify.o log.o error_stream.o)
CTL_OBJ    := $(patsubst %.c,$(B)/%.o,$(wildcard cgi/ctl/*.c)) $(addprefix $(B)/cgi/,startup.o log.o error_stream.o)
SANDBOX_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/sandbox/*.c))
UNIT       := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*/test_*.c))
PROGRAMS   := $(B)/payment.fcgi $(B)/payment-syncd $(B)/paymentctl $(B)/amocrm-sandbox

# With a recipe, however empty, make does not say that there is nothing to be done.
all: $(PROGRAMS) ## build everything
	@:

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 12

$(B)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# What a command writes, as a C string of that name: $(call embed,NAME,COMMAND).
define embed
	@mkdir -p $(@D)
	@echo "  GEN   $@"
	$(Q){ echo 'extern const char $(1)[]; const char $(1)[] = {'; \
	    $(2) | od -An -v -tx1 | sed 's/ \([0-9a-f][0-9a-f]\)/(char)0x\1,/g'; echo '0 };'; } >$@.tmp && mv $@.tmp $@
endef
$(B)/lib/rules/builtin.c: lib/rules/mapping.json
	$(call embed,rules_builtin,cat $<)
$(B)/lib/ledger/version_%.c: lib/ledger/version_%.sql
	$(call embed,schema_version_$*,cat $<)
$(B)/lib/web/locale_texts.c: lib/web/locale.json
	$(call embed,locale_texts,cat $<)
# The template with its style sheet in it, without what only indents the source.
$(B)/lib/web/status_template.c: lib/web/status.html lib/web/status.css
	$(call embed,status_template,sed -e '/@STYLE@/{' -e 'r lib/web/status.css' -e d -e '}' $< | sed 's/^ *//' | tr -d '\n')
$(EMBEDDED): %.o: %.c
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

$(LIB): $(LIB_OBJ)
	@echo "  AR    $@"
	$(Q)rm -f $@ && $(AR) qcs $@ $^

define link
	@echo "  LD    $@"
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(1) $(LIBS)
endef
$(B)/payment.fcgi: $(FCGI_OBJ) $(LIB)
	$(call link,-lfcgi)
$(B)/payment-syncd: $(SYNCD_OBJ) $(LIB)
	$(call link,)
$(B)/paymentctl: $(CTL_OBJ) $(LIB)
	$(call link,)
$(B)/amocrm-sandbox: $(SANDBOX_OBJ)
	$(call link,-lmicrohttpd -lpthread)
# Loaded before libc's own functions, to number, log and cut short what a process does.
$(B)/crash/shim.so: tests/crash/shim.c
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) -D_GNU_SOURCE -std=c11 $(OPTIMISE) $(WARNINGS) -fPIC -shared -o $@ $<
$(B)/tests/unit/%.o: CPPFLAGS += -Itests/unit
$(B)/unit/%: $(B)/tests/unit/%.o $(LIB)
	@mkdir -p $(@D)
	$(call link,-lcmocka)

$(B)/bench/%: tests/bench/peers/%.c
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) -D_GNU_SOURCE -std=c11 $(OPTIMISE) $(WARNINGS) -o $@ $< -lfcgi

programs: $(PROGRAMS) $(UNIT) $(B)/crash/shim.so
	@:

demo: ## install what is needed, build, and show one payment's way from webhook to amoCRM
	@tests/install-packages build run
	@$(MAKE) --no-print-directory all
	@tests/demo.py

run: ## the same stack, kept up in the foreground
	@tests/install-packages build run
	@$(MAKE) --no-print-directory all
	@tests/run.py

test: ## install what is needed, build, and pass all tests (SAN=1: under the sanitizers)
	@tests/install-packages build test package
	@$(MAKE) --no-print-directory programs
	@tests/checks/map . $(B)
	@tests/run-suites $(B) unit tests/checks tests/sandbox tests/fastcgi tests/e2e tests/senders tests/package tests/crash tests/chaos

crash: ## die at every crash point of every scenario, and again in every recovery
	@tests/install-packages build test
	@$(MAKE) --no-print-directory all $(B)/crash/shim.so
	@tests/crash/crash.py

N          ?= 10000
chaos: ## N payments while amoCRM fails and processes are killed at random; then count (N=10000, SEED=...)
	@tests/install-packages build test
	@$(MAKE) --no-print-directory all
	@tests/chaos/chaos.py --payments $(N) $(if $(SEED),--seed $(SEED))

burst: ## 1,000 payments at once against 7 requests a second: audit the limiter (10 minutes)
	@tests/install-packages build test
	@$(MAKE) --no-print-directory all
	@tests/chaos/chaos.py --burst -n 1000

bench: ## measure it beside PHP-FPM, FastAPI and a handler that does nothing (15 minutes; QUICK=1 only tries the bench out)
	@tests/install-packages build test bench
	@$(MAKE) --no-print-directory all $(B)/bench/nothing
	@tests/bench/bench.py $(if $(QUICK),--quick)

SECONDS    ?= 60
fuzz: ## feed nonsense to everything that reads strangers' bytes, for SECONDS=60 in all
	@tests/install-packages build fuzz
	@tests/fuzz/run $(SECONDS)

mutation: ## break the product in small ways and see that the tests notice
	@tests/install-packages build test
	@tests/mutation/mutation.py

systemd: ## install it under a real systemd, then restart, reload, upgrade and kill it under load (root, debootstrap)
	@tests/install-packages build run container
	@$(MAKE) --no-print-directory all
	@tests/systemd/run

browser: ## look at the status page in a headless Chromium (SCREENSHOTS=folder keeps the pictures)
	@tests/install-packages build test browser
	@$(MAKE) --no-print-directory programs
	@tests/run-suites $(B) tests/browser

unit: ## the unit tests alone
	@$(MAKE) --no-print-directory programs
	@tests/run-suites $(B) unit

SOURCES    := $(wildcard lib/*/*.[ch] cgi/*.[ch] cgi/ctl/*.[ch] tests/unit/*.[ch] tests/unit/*/*.[ch] tests/sandbox/*.[ch])
LINTED     := $(wildcard lib/*/*.c cgi/*.c cgi/ctl/*.c)

format: ## lay out the sources
	@tests/install-packages lint
	clang-format-19 -i $(SOURCES)

lint: ## check the sources: layout, clang, clang-tidy, cppcheck, units, manual pages and other papers
	@tests/install-packages build test lint
	@tests/checks/lint $(LINTED)
	clang-format-19 --dry-run -Werror $(SOURCES)

dev: format lint test ## format, lint, test

# Units, users and the like go where systemd looks for them; under a prefix it does not know, that is /etc.
SYSTEM     := $(if $(filter /usr /usr/local,$(PREFIX)),$(PREFIX)/lib,/etc)
LIBEXEC    := $(PREFIX)/libexec/platform-payment-sync
UNITS      := $(SYSTEM)/systemd/system
SETTINGS   := /etc/platform-payment-sync

install: $(B)/payment.fcgi $(B)/payment-syncd $(B)/paymentctl ## put everything into DESTDIR, under PREFIX and /etc
	install -d $(addprefix $(DESTDIR),$(LIBEXEC) $(PREFIX)/bin $(SETTINGS) $(UNITS) $(SYSTEM)/sysusers.d \
	    $(SYSTEM)/tmpfiles.d /etc/nginx/snippets /etc/nginx/sites-available \
	    $(addprefix $(PREFIX)/share/doc/platform-payment-sync/,examples senders/bodies) \
	    $(PREFIX)/share/bash-completion/completions $(addprefix $(PREFIX)/share/man/man,1 5 8) $(addprefix $(PREFIX)/share/man/ru/man,1 5 8))
	install -m 0755 $(B)/payment.fcgi $(B)/payment-syncd $(DESTDIR)$(LIBEXEC)/
	install -m 0755 $(B)/paymentctl $(DESTDIR)$(PREFIX)/bin/
	install -m 0644 env.example $(DESTDIR)$(SETTINGS)/config.env.example
	install -m 0644 env.example.ru $(DESTDIR)$(SETTINGS)/config.env.example.ru
	install -m 0644 lib/rules/mapping.json $(DESTDIR)$(SETTINGS)/mapping.json.example
	install -m 0644 lib/rules/mapping.schema.json $(DESTDIR)$(SETTINGS)/
	install -m 0644 lib/rules/examples/*.json $(DESTDIR)$(PREFIX)/share/doc/platform-payment-sync/examples/
	for unit in systemd/*.service systemd/*.socket systemd/*.timer; do \
	    sed 's,@PREFIX@,$(PREFIX),g' "$$unit" >$(DESTDIR)$(UNITS)/"$${unit##*/}" && \
	    chmod 0644 $(DESTDIR)$(UNITS)/"$${unit##*/}" || exit; done
	install -m 0644 systemd/sysusers.conf $(DESTDIR)$(SYSTEM)/sysusers.d/platform-payment-sync.conf
	install -m 0644 systemd/tmpfiles.conf $(DESTDIR)$(SYSTEM)/tmpfiles.d/platform-payment-sync.conf
	install -m 0644 nginx/platform-payment-sync-*.conf $(DESTDIR)/etc/nginx/snippets/
	test -e $(DESTDIR)/etc/nginx/sites-available/platform-payment-sync.conf || \
	    install -m 0644 nginx/platform-payment-sync.conf $(DESTDIR)/etc/nginx/sites-available/
	install -m 0644 cgi/paymentctl.bash-completion $(DESTDIR)$(PREFIX)/share/bash-completion/completions/paymentctl
	for page in cgi/man/*.[158]; do install -m 0644 "$$page" $(DESTDIR)$(PREFIX)/share/man/man"$${page##*.}"/ || exit; done
	for page in cgi/man/ru/*; do install -m 0644 "$$page" $(DESTDIR)$(PREFIX)/share/man/ru/man"$${page##*.}"/ || exit; done
	install -d $(DESTDIR)$(PREFIX)/share/doc/platform-payment-sync/monitoring
	install -m 0644 systemd/monitoring/* $(DESTDIR)$(PREFIX)/share/doc/platform-payment-sync/monitoring/
	install -m 0644 README.md README.ru.md systemd/*.md lib/web/HTTP.md lib/web/HTTP.ru.md lib/web/webhook.openapi.yaml \
	    $(DESTDIR)$(PREFIX)/share/doc/platform-payment-sync/
	install -m 0755 tests/senders/send.* $(DESTDIR)$(PREFIX)/share/doc/platform-payment-sync/senders/
	install -m 0644 tests/senders/vectors.json $(DESTDIR)$(PREFIX)/share/doc/platform-payment-sync/senders/
	install -m 0644 tests/senders/bodies/*.json $(DESTDIR)$(PREFIX)/share/doc/platform-payment-sync/senders/bodies/

deb: ## the Debian package in build/deb/, and what lintian says of it
	@tests/install-packages build package
	@tests/package/build build/deb

package-test: ## install, upgrade under load, remove and purge the package in an empty Debian 12; take over (root, debootstrap)
	@tests/install-packages build run container package
	@$(MAKE) --no-print-directory all
	@tests/package/run

clean: ## remove build/
	rm -rf build

-include $(shell find $(B) -name '*.d' 2>/dev/null)
.PHONY: all programs demo run test crash chaos burst bench fuzz mutation systemd browser unit format lint dev install deb package-test clean help
.SECONDARY:
