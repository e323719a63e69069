/* SPDX-License-Identifier: BSD-2-Clause */
/* What user space adds to a snapshot: cgroups with quotas, names of interrupts, which programs are Go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/cgroup.h"
#include "capture/cgroup_tree.h"
#include "capture/go_program.h"
#include "capture/irq_names.h"
#include "snapshot/snapshot.h"

static char folder[] = "/tmp/kflight-surroundings-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void put_folder(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void put_file(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static uint64_t inode(const char *name)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static const struct kf_cgroup *find(const struct kf_snapshot *s, const char *path)
{
	for (size_t i = 0; i < s->n_cgroups; i++)
		if (!strcmp(s->cgroups[i].path, path))
			return &s->cgroups[i];
	return NULL;
}

static void cgroups_of_threads_and_all_above(void **state)
{
	struct kf_snapshot *s = kf_snapshot_new(1);
	const struct kf_cgroup *web, *app, *old;
	char point[128];

	(void)state;
	put_folder("cg");
	put_folder("cg/web");
	put_folder("cg/web/app");
	put_folder("cg/old");
	put_folder("cg/other");
	put_folder("cg/gone");
	put_file("cg/web/cpu.max", "50000 100000\n");
	put_file("cg/web/app/cpu.max", "max 100000\n");
	put_file("cg/old/cpu.cfs_quota_us", "20000\n");
	put_file("cg/old/cpu.cfs_period_us", "40000\n");
	s->tasks = calloc(3, sizeof(*s->tasks));
	s->n_tasks = 3;
	s->tasks[0].cgroup_id = inode("cg/web/app");
	s->tasks[1].cgroup_id = inode("cg/old");
	s->tasks[2].cgroup_id = 0;
	s->rings[KF_CLASS_TAKEN][0].slots = calloc(1, sizeof(struct kf_slot));
	s->rings[KF_CLASS_TAKEN][0].n_slots = 1;
	s->rings[KF_CLASS_TAKEN][0].slots[0] =
		(struct kf_slot){ .kind = KF_THROTTLE, .cgroup_id = inode("cg/gone") }; /* no thread is left */
	snprintf(point, sizeof(point), "%s/cg", folder);
	kf_cgroup_tree_add_from(s, point);

	assert_int_equal(s->n_cgroups, 5);
	assert_non_null(find(s, "/gone"));
	assert_non_null(find(s, "/"));
	assert_null(find(s, "/other"));
	web = find(s, "/web");
	app = find(s, "/web/app");
	old = find(s, "/old");
	assert_true(web && app && old);
	assert_int_equal(web->quota_ns, 50000000);
	assert_int_equal(web->period_ns, 100000000);
	assert_int_equal(app->quota_ns, 0);
	assert_int_equal(app->id, inode("cg/web/app"));
	assert_int_equal(app->parent_id, web->id);
	assert_int_equal(old->quota_ns, 20000000);
	assert_int_equal(old->period_ns, 40000000);
	kf_snapshot_free(&s);
}

static void no_hierarchy_is_no_failure(void **state)
{
	struct kf_snapshot *s = kf_snapshot_new(1);

	(void)state;
	kf_cgroup_tree_add_from(s, "/nowhere/at/all");
	assert_int_equal(s->n_cgroups, 0);
	kf_snapshot_free(&s);
}

static void mount_of_the_cpu_controller(void **state)
{
	static const char v1[] = "40 31 0:37 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
				 "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
				 "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n";
	static const char v2[] = "41 31 0:38 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";
	struct kf_cgroup_mount mount;
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/mountinfo", folder);
	put_file("mountinfo", v1);
	assert_true(kf_cgroup_mount_find_cpu(path, &mount));
	assert_string_equal(mount.point, "/sys/fs/cgroup/cpu,cpuacct");
	put_file("mountinfo", v2);
	assert_true(kf_cgroup_mount_find_cpu(path, &mount));
	assert_string_equal(mount.point, "/sys/fs/cgroup");
	put_file("mountinfo", "25 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
	assert_false(kf_cgroup_mount_find_cpu(path, &mount));
	assert_false(kf_cgroup_mount_find_cpu("/nowhere/at/all", &mount));
}

static void names_of_the_interrupts_that_came(void **state)
{
	struct kf_snapshot *s = kf_snapshot_new(1);
	struct kf_ring_copy *ring = &s->rings[KF_CLASS_TAKEN][0];
	char path[128];

	(void)state;
	put_folder("irq");
	put_folder("irq/24");
	put_folder("irq/25");
	put_folder("irq/26");
	put_file("irq/24/actions", "virtio0-input.0\n");
	put_file("irq/25/actions", "did not come\n");
	put_file("irq/26/actions", "e\x1bvil\n");
	ring->slots = calloc(5, sizeof(*ring->slots));
	ring->n_slots = 5;
	for (int i = 0; i < 5; i++)
		ring->slots[i].kind = KF_IRQ;
	ring->slots[0].nr = 24;
	ring->slots[1].nr = 25;
	ring->slots[1].flags = KF_F_SOFTIRQ; /* another 25 */
	ring->slots[2].nr = 26;
	ring->slots[3].nr = 27;
	ring->slots[4].nr = KF_VECTOR_TIMER;
	snprintf(path, sizeof(path), "%s/irq", folder);
	kf_irq_names_add(s, path);
	assert_string_equal(s->irqs, "24 virtio0-input.0\n26 e?vil\n");
	kf_snapshot_free(&s);
}

/* The head of an executable: an ELF header, one program header, one note. */
struct head {
	Elf64_Ehdr elf;
	Elf64_Phdr part;
	Elf64_Nhdr note;
	char name[4];
	char id[8];
};

static struct head go_head(void)
{
	return (struct head){
		.elf = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64 },
			 .e_phoff = offsetof(struct head, part),
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = 1 },
		.part = { .p_type = PT_NOTE,
			  .p_offset = offsetof(struct head, note),
			  .p_filesz = sizeof(struct head) - offsetof(struct head, note) },
		.note = { .n_namesz = 4, .n_descsz = 8, .n_type = 4 },
		.name = "Go\0",
		.id = "build-1",
	};
}

static void go_programs_have_a_note(void **state)
{
	struct head head = go_head(), other = go_head();

	(void)state;
	assert_true(kf_is_go_program(&head, sizeof(head)));
	memcpy(other.name, "GNU", 4);
	assert_false(kf_is_go_program(&other, sizeof(other)));
	other = go_head();
	other.note.n_type = 3;
	assert_false(kf_is_go_program(&other, sizeof(other)));
	other = go_head();
	other.part.p_type = PT_LOAD;
	assert_false(kf_is_go_program(&other, sizeof(other)));
}

/* Sizes and offsets that lie end in "no", never outside of the bytes. */
static void no_lie_reads_beyond(void **state)
{
	struct head head = go_head();
	struct head *copy = malloc(sizeof(*copy));
	unsigned char *bytes = (unsigned char *)copy;

	(void)state;
	for (size_t len = 0; len < sizeof(head); len++) {
		unsigned char *cut = malloc(len ? len : 1);

		memcpy(cut, &head, len);
		kf_is_go_program(cut, len); /* ASan watches */
		free(cut);
	}
	for (size_t at = 0; at < sizeof(head); at++)
		for (int value = 0; value < 256; value += 51) {
			memcpy(bytes, &head, sizeof(head));
			bytes[at] = (unsigned char)value;
			kf_is_go_program(bytes, sizeof(head));
		}
	memset(bytes, 0xff, sizeof(head));
	memcpy(bytes, &head.elf, EI_CLASS + 1);
	assert_false(kf_is_go_program(bytes, sizeof(head)));
	free(bytes);
}

static void this_program_is_not_go(void **state)
{
	char bytes[4096];
	FILE *f = fopen("/proc/self/exe", "r");
	size_t n;

	(void)state;
	assert_non_null(f);
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	assert_false(kf_is_go_program(bytes, n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cgroups_of_threads_and_all_above), cmocka_unit_test(no_hierarchy_is_no_failure),
		cmocka_unit_test(mount_of_the_cpu_controller),	    cmocka_unit_test(names_of_the_interrupts_that_came),
		cmocka_unit_test(go_programs_have_a_note),	    cmocka_unit_test(no_lie_reads_beyond),
		cmocka_unit_test(this_program_is_not_go),
	};

	return cmocka_run_group_tests_name("surroundings", tests, make_folder, remove_folder);
}
