# kflight: `make help` lists targets and options.
VERSION := 0.3.0
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
CC ?= cc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /sbin/bpftool) bpftool)
ifeq ($(origin CC),default)
CC := cc
endif

Q := $(if $(V),,@)
say = $(if $(V),@:,@printf '  %-8s %s\n' $(1) $(2))

# SAN=1 builds everything a second time with ASan and UBSan, in its own folder.
ifdef SAN
# override: BUILD= on the command line gets its folder, too
override BUILD := $(BUILD)/san
SAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif

LIBS := -lbpf -lelf -lz -ljansson -lmicrohttpd -linih -lcap-ng -lseccomp -lpthread
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wno-unused-parameter
KF_CFLAGS := -std=gnu11 -O2 -g $(WARN) -D_GNU_SOURCE -DKF_VERSION='"$(VERSION)"' \
	-Iinclude -Iuser -I$(BUILD)/gen $(SAN_FLAGS) $(CFLAGS)
# -mcpu=v3: atomic fetch-and-add; the multiarch folder: asm/ headers under -target bpf.
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -DKF_BPF -Wall -Werror -Iinclude -Ibpf \
	-I/usr/include/$(shell $(CC) -print-multiarch 2>/dev/null)

SRC := $(wildcard user/*/*.c)
OBJ := $(SRC:%.c=$(BUILD)/%.o)
LIB := $(BUILD)/libkflight.a
SKELETONS := $(patsubst bpf/%.bpf.c,$(BUILD)/gen/%.skel.h,$(wildcard bpf/*.bpf.c))
SCHEMAS := $(patsubst docs/schema/%.json,$(BUILD)/gen/%.inc,$(wildcard docs/schema/*.schema.json))
GENERATED := $(SKELETONS) $(BUILD)/gen/syscall_names.inc $(BUILD)/gen/page.inc $(SCHEMAS)

UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
WORKLOADS := $(patsubst tests/workloads/%.c,$(BUILD)/workloads/%,$(wildcard tests/workloads/*.c))

.DELETE_ON_ERROR:
.DEFAULT_GOAL := all
.PHONY: all demo test check install help clean format lint fuzz workloads

all: $(BUILD)/kflight ## build/kflight (the default)

$(BUILD)/kflight: $(BUILD)/user/main.o $(LIB)
	$(call say,LINK,$@)
	$(Q)$(CC) $(SAN_FLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

$(LIB): $(OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

# Objects wait for all generated headers: which of them they need is known only after the first compilation.
$(BUILD)/%.o: %.c | $(GENERATED)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(KF_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c $< -o $@

$(BUILD)/gen/%.skel.h: $(BUILD)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)mkdir -p $(@D)
	$(Q)echo '/* NOLINTBEGIN */' > $@
	$(Q)$(BPFTOOL) gen skeleton $< name $(subst -,_,$*)_bpf >> $@
	$(Q)echo '/* NOLINTEND */' >> $@

# The syscall numbers of this machine, from its own kernel headers.
$(BUILD)/gen/syscall_names.inc: Makefile
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)echo '#include <asm/unistd.h>' | $(CC) -E -dM - | \
		sed -n 's/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$$/[\2] = "\1",/p' | sort -t'[' -k2n > $@
	$(Q)test -s $@

# The page of `report --html`.
$(BUILD)/gen/page.inc: user/output/html/embed $(wildcard user/output/html/page.*) $(wildcard user/output/html/*.js)
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)user/output/html/embed > $@

# Schemas as the bytes of an array.
$(BUILD)/gen/%.schema.inc: docs/schema/%.schema.json
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)od -An -v -tu1 $< | sed 's/[0-9][0-9]*/&,/g' > $@

demo: all ## record a bundled workload with a real latency problem and print the answer (root)
	$(Q)scripts/demo

test: ## everything: unit, golden, end to end on the live kernel, Go reader (root)
	$(Q)scripts/test

check: $(UNIT_TESTS) ## unit and golden tests, no root needed; SAN=1 adds ASan and UBSan
	$(Q)tests/unit/run $(UNIT_TESTS)

$(BUILD)/unit/%: tests/unit/%.c $(LIB)
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(KF_CFLAGS) -Werror=unused-function -Itests/unit -MMD -MP -MF $@.d $< $(LIB) $(LIBS) -lcmocka -o $@

workloads: $(WORKLOADS) ## programs that know what they did, for tests and the demo
$(BUILD)/workloads/%: tests/workloads/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -g $(WARN) -D_GNU_SOURCE $(CFLAGS) -MMD -MP -MF $@.d $< -lpthread -lm -o $@

FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 20
fuzz: $(FUZZERS) ## every fuzz target for FUZZ_SECONDS (default 20) each
	$(Q)tests/fuzz/run $(FUZZ_SECONDS) $(FUZZERS)

# Of the parts that need the kernel or a loop, those that only read what strangers send.
FUZZED := user/daemon/control_request.c user/daemon/http_answer.c
# libFuzzer instruments only what clang compiles: the modules are compiled with each target.
$(BUILD)/fuzz/%: tests/fuzz/%.c $(SRC) | $(GENERATED)
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(filter-out -fsanitize=%,$(KF_CFLAGS)) -O1 -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all $< $(filter-out user/capture/% user/daemon/% user/bench/% user/cmd/% user/top/%,$(SRC)) $(FUZZED) -lz -ljansson -linih -o $@

install: all ## into $(DESTDIR)$(PREFIX), with the systemd unit; an existing /etc/kflight/kflight.conf is kept
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/doc/kflight $(DESTDIR)$(PREFIX)/lib/systemd/system \
		$(DESTDIR)$(PREFIX)/lib/sysusers.d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)/etc/kflight
	install -m 755 $(BUILD)/kflight $(DESTDIR)$(PREFIX)/bin/kflight
	install -m 644 README.md CHANGELOG.md LICENSE $(DESTDIR)$(PREFIX)/share/doc/kflight
	find docs -type f ! -path '*/__pycache__/*' -exec install -D -m 644 {} $(DESTDIR)$(PREFIX)/share/doc/kflight/{} \;
	sed 's|/usr/local|$(PREFIX)|' scripts/systemd/kflight.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/kflight.service
	chmod 644 $(DESTDIR)$(PREFIX)/lib/systemd/system/kflight.service
	install -m 644 scripts/systemd/kflight.sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/kflight.conf
	install -m 644 scripts/completion.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/kflight
	install -m 644 scripts/systemd/kflight.conf $(DESTDIR)$(PREFIX)/share/doc/kflight/kflight.conf.example
	test -e $(DESTDIR)/etc/kflight/kflight.conf || \
		install -m 644 scripts/systemd/kflight.conf $(DESTDIR)/etc/kflight/kflight.conf

C_FILES = $(shell git ls-files -co --exclude-standard '*.c' '*.h')
format: ## clang-format everything
	clang-format -i $(C_FILES)

lint: ## formatter, shellcheck and clang-tidy, as CI runs them
	$(Q)scripts/lint

clean: ## remove build/
	rm -rf build

help: ## this list
	@echo 'Targets:'
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 14
	@echo 'Options: V=1 shows commands, SAN=1 adds sanitizers, PREFIX= DESTDIR= for install,'
	@echo '         CC= CLANG= BPFTOOL= CFLAGS= LDFLAGS= as usual, FUZZ_SECONDS=20'

-include $(OBJ:.o=.d) $(BUILD)/user/main.d $(wildcard $(BUILD)/bpf/*.d $(BUILD)/unit/*.d $(BUILD)/workloads/*.d)
