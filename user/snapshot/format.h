/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format.h - the .kfl file, format 1.2.
 *
 * A header, then sections one behind the other to the end of the file. All numbers are little-endian. A reader
 *  - refuses a newer major and reads a newer minor of its own major,
 *  - skips sections, strings and rings whose number it does not know,
 *  - takes a stored struct that is longer than its own for one that grew at the end, and ignores the rest.
 * So a minor version may add sections, strings, classes, slot kinds, and fields at the end; it never changes what is
 * here. Everything else raises the major.
 *
 * struct kf_file_header, at the start:
 *
 *   offset size  field
 *        0    8  magic         89 'K' 'F' 'L' 0d 0a 1a 0a: not text, and damaged by what treats it as text
 *        8    2  major
 *       10    2  minor
 *       12    4  header_bytes  64 in 1.0: the first section is here
 *       16    4  flags         KF_FILE_INCOMPLETE until the last section is written
 *       20    4  n_sections
 *       24    8  file_bytes    length of the whole file
 *       32   28  zero
 *       60    4  crc           crc32 of the header without these four bytes
 *
 * struct kf_file_section, before the bytes of each section:
 *
 *   offset size  field
 *        0    4  type          enum kf_section
 *        4    4  encoding      enum kf_encoding: plain, zlib, or (SLOTS only) packed as pack.h tells, then zlib
 *        8    8  stored_bytes  that follow this header
 *       16    8  bytes         once decoded
 *       24    4  cpu           SLOTS: of this ring, else 0
 *       28    2  class         SLOTS: enum kf_class, else 0
 *       30    2  zero
 *       32    4  zero
 *       36    4  crc           crc32 of the stored bytes, then of the 36 bytes before this field
 *
 * What the sections hold once decoded:
 *
 *   META     struct kf_file_meta, exactly one
 *   STRINGS  any number of: u32 id (enum kf_string), u32 length, that many bytes (not NUL)
 *   TRIGGER  struct kf_trigger (control.h), at most one
 *   COUNTS   u32 bytes per entry, u32 number of entries, entries: struct kf_file_count, index is enum kf_trigger_kind
 *   LOSSES   struct kf_file_losses
 *   RINGS    struct kf_file_rings, then n_classes * n_cpus struct kf_file_ring (class by class); exactly one, and
 *            before SLOTS
 *   SLOTS    the n_slots slots of one ring (record.h); missing for empty rings
 *   TASKS    u32 bytes per entry, u32 number of entries, entries: struct kf_task (control.h), which had KF_TASK_BYTES_1_0
 *            bytes in 1.0
 *   CGROUPS  u32 bytes per entry, u32 number of entries, entries: struct kf_file_cgroup, then their paths (not NUL), one
 *            behind the other; at most one
 *
 *   RULES    u32 bytes per entry, u32 number of entries, entries: struct kf_file_rule, then for each its name and its text
 *            (not NUL), one behind the other; at most one
 *   RECORDER struct kf_file_recorder, at most one
 *   SHEDS    u32 bytes per entry, u32 number of entries, entries: struct kf_file_shed
 *
 * 1.1 added CGROUPS, IRQS among the strings, class 3 (KF_CLASS_TAKEN) among the rings, and the end of struct kf_task.
 * 1.2 added RULES, RECORDER, SHEDS, TRACE_ID and SPAN_ID among the strings, the end of struct kf_file_losses, and gave
 * struct kf_trigger a rule where 0 was.
 */
#ifndef KF_SNAPSHOT_FORMAT_H
#define KF_SNAPSHOT_FORMAT_H

#include <stdint.h>

#include "kflight/control.h"
#include "kflight/record.h"
#include "snapshot/snapshot.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "stored as it is in memory");

#define KF_FORMAT_MAJOR	     1
#define KF_FORMAT_MINOR	     2
#define KF_FILE_MAGIC	     "\x89KFL\r\n\x1a\n"
#define KF_FILE_MAGIC_BYTES  8
#define KF_FILE_INCOMPLETE   1u
#define KF_FILE_MAX_CPUS     65535	  /* a CPU number must fit in 16 bits, 65535 is "no CPU" */
#define KF_FILE_MAX_BYTES    (8ULL << 30) /* decoded; no recorder has rings like that */
#define KF_FILE_MAX_SECTIONS (16 + KF_CLASSES * KF_FILE_MAX_CPUS)

/* deflate makes at most 258 bytes of 2 bits; zlib's own documentation says 1032:1 at the limit. */
#define KF_ZLIB_MAX_RATIO 1032

/* No section grows more than KF_ZLIB_MAX_RATIO times, packed ones by so much besides: then nothing small fills memory.
 */
#define KF_PACKED_EXTRA_BYTES (1 << 20)

enum kf_section {
	KF_SECTION_META = 1,
	KF_SECTION_STRINGS = 2,
	KF_SECTION_TRIGGER = 3,
	KF_SECTION_COUNTS = 4,
	KF_SECTION_LOSSES = 5,
	KF_SECTION_RINGS = 6,
	KF_SECTION_SLOTS = 7,
	KF_SECTION_TASKS = 8,
	KF_SECTION_CGROUPS = 9, /* 1.1 */
	KF_SECTION_RULES = 10,	/* 1.2 */
	KF_SECTION_RECORDER = 11,
	KF_SECTION_SHEDS = 12,
	KF_SECTION_TYPES,
};

enum kf_encoding {
	KF_ENCODING_PLAIN = 0,
	KF_ENCODING_ZLIB = 1,
	KF_ENCODING_PACKED = 2,
};

enum kf_string {
	KF_STRING_VERSION = 1,
	KF_STRING_HOST = 2,
	KF_STRING_KERNEL = 3,
	KF_STRING_MACHINE = 4,
	KF_STRING_FILTER = 5,
	KF_STRING_TRIGGERS = 6,
	KF_STRING_REASON = 7,
	KF_STRING_IRQS = 8,	/* 1.1 */
	KF_STRING_TRACE_ID = 9, /* 1.2 */
	KF_STRING_SPAN_ID = 10,
	KF_STRING_IDS,
};

struct kf_file_header {
	uint8_t magic[KF_FILE_MAGIC_BYTES];
	uint16_t major;
	uint16_t minor;
	uint32_t header_bytes;
	uint32_t flags;
	uint32_t n_sections;
	uint64_t file_bytes;
	uint32_t zero[7];
	uint32_t crc;
};
_Static_assert(sizeof(struct kf_file_header) == 64, "stored layout");
_Static_assert(offsetof(struct kf_file_header, file_bytes) == 24, "stored layout");
_Static_assert(offsetof(struct kf_file_header, crc) == 60, "stored layout");

struct kf_file_section {
	uint32_t type;
	uint32_t encoding;
	uint64_t stored_bytes;
	uint64_t bytes;
	uint32_t cpu;
	uint16_t class;
	uint16_t zero16;
	uint32_t zero32;
	uint32_t crc;
};
_Static_assert(sizeof(struct kf_file_section) == 40, "stored layout");
_Static_assert(offsetof(struct kf_file_section, crc) == 36, "stored layout");

/* Fields as in struct kf_snapshot. */
struct kf_file_meta {
	uint64_t mono_ns;
	uint64_t real_ns;
	uint64_t boot_ns;
	uint64_t started_ns;
	uint64_t floor_ns;
	uint64_t end_ns;
	uint64_t window_ns;
	uint64_t after_ns;
	uint32_t syscall_mode;
	uint32_t sources; /* since 1.1; 0 before */
};
_Static_assert(sizeof(struct kf_file_meta) == 72, "stored layout");

/* As struct kf_trigger_counts. */
struct kf_file_count {
	uint64_t hits;
	uint64_t cooling;
	uint64_t busy;
};
_Static_assert(sizeof(struct kf_file_count) == 24, "stored layout");
_Static_assert(sizeof(struct kf_trigger_counts) == 24, "a field was added: store it too");

/* As struct kf_losses. */
struct kf_file_losses {
	uint64_t missed_runs;
	uint64_t no_state;
	uint64_t bad_waits;
	uint64_t lost_triggers;
	uint64_t flooded; /* since 1.2 */
};
#define KF_FILE_LOSSES_BYTES_1_0 32
_Static_assert(sizeof(struct kf_file_losses) == 40, "stored layout");
_Static_assert(sizeof(struct kf_losses) == 40, "a field was added: store it too");

struct kf_file_rings {
	uint32_t n_cpus;
	uint32_t n_classes;
	uint32_t entry_bytes; /* of the struct kf_file_ring that follow */
	uint32_t zero;
};
_Static_assert(sizeof(struct kf_file_rings) == 16, "stored layout");

/* As struct kf_ring_copy. */
struct kf_file_ring {
	uint64_t n_slots;
	uint64_t written;
	uint64_t overwritten;
	uint64_t dropped;
	uint64_t torn;
	uint64_t oldest_ns;
	uint64_t drop_first_ns;
	uint64_t drop_last_ns;
};
_Static_assert(sizeof(struct kf_file_ring) == 64, "stored layout");
_Static_assert(sizeof(struct kf_ring_copy) == 72, "a field was added: store it too");

/* As struct kf_cgroup. */
struct kf_file_cgroup {
	uint64_t id;
	uint64_t quota_ns;
	uint64_t period_ns;
	uint64_t parent_id;
	uint32_t path_bytes;
	uint32_t zero;
};
_Static_assert(sizeof(struct kf_file_cgroup) == 40, "stored layout");
_Static_assert(sizeof(struct kf_cgroup) == 40, "a field was added: store it too");

/* As struct kf_snapshot_rule. */
struct kf_file_rule {
	uint64_t counts[5]; /* hits, cooling, busy, sampled, limited: since the start */
	uint64_t recent[5]; /* since the snapshot before */
	uint32_t name_bytes;
	uint32_t text_bytes;
};
_Static_assert(sizeof(struct kf_file_rule) == 88, "stored layout");
_Static_assert(sizeof(struct kf_rule_counts) == 40, "a field was added: store it too");

/* Fields as in struct kf_snapshot. */
struct kf_file_recorder {
	uint64_t suppressed_since_ns;
	uint64_t snapshots_before;
	uint32_t cost_ppm;
	uint32_t budget_ppm;
	uint32_t requester_pid;
	uint32_t requester_uid;
	char requester_comm[KF_COMM_BYTES];
};
_Static_assert(sizeof(struct kf_file_recorder) == 48, "stored layout");
_Static_assert(sizeof(struct kf_requester) == 24, "a field was added: store it too");

/* As struct kf_shed. */
struct kf_file_shed {
	uint64_t ts_ns;
	uint32_t cost_ppm;
	uint16_t before;
	uint16_t after;
};
_Static_assert(sizeof(struct kf_file_shed) == 16, "stored layout");
_Static_assert(sizeof(struct kf_shed) == 16, "a field was added: store it too");

/* Where string id lives in s; NULL for an id that this version does not know. */
char **kf_snapshot_string(struct kf_snapshot *s, enum kf_string id);

/* The checksums of both headers, as described above. stored_crc is the crc32 of the stored bytes. */
uint32_t kf_file_header_crc(const struct kf_file_header *h, const void *rest, size_t rest_bytes);
uint32_t kf_file_section_crc(const struct kf_file_section *h, uint32_t stored_crc);

#endif
