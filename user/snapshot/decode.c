/* SPDX-License-Identifier: BSD-2-Clause */
#include "snapshot/reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "snapshot/pack.h"

/* Decoded at a time on the way to something else: fits in the cache of a CPU. */
#define CHUNK_BYTES (64 * 1024)

/* Fills out with the next len decoded bytes. Returns 0, or -1 without message. */
static int inflate_into(z_stream *z, void *out, size_t len)
{
	unsigned char *p = out;

	while (len) {
		uInt chunk = len > 1u << 30 ? 1u << 30 : (uInt)len;
		int result;

		z->next_out = p;
		z->avail_out = chunk;
		result = inflate(z, Z_NO_FLUSH);
		p += chunk - z->avail_out;
		len -= chunk - z->avail_out;
		if (result == Z_STREAM_END ? len : result != Z_OK || z->avail_out)
			return -1;
		if (result == Z_STREAM_END)
			return 0;
	}
	return 0;
}

/* Nothing may be left, neither decoded nor stored; this also makes zlib compare its own checksum. */
static int inflate_end(z_stream *z)
{
	unsigned char none;

	z->next_out = &none;
	z->avail_out = 1;
	return inflate(z, Z_FINISH) == Z_STREAM_END && z->avail_out == 1 && !z->avail_in ? 0 : -1;
}

/* Next decoded bytes behind the `have` that are in buf already; returns how many are there then. */
static size_t inflate_more(z_stream *z, unsigned char *buf, size_t have, size_t room)
{
	z->next_out = buf + have;
	z->avail_out = (uInt)(room - have);
	inflate(z, Z_NO_FLUSH); /* an error gives no bytes, and is found at the end */
	return room - z->avail_out;
}

/* Decodes the slots of a ring, packed below zlib. Returns 0, or -1 without message. */
static int inflate_slots(z_stream *z, struct kf_slot *slots, size_t n)
{
	struct kf_pack pack = { 0 };
	unsigned char buf[CHUNK_BYTES];
	size_t have = 0, done = 0;

	while (done < n) {
		const unsigned char *from = buf;
		size_t before = have;

		have = inflate_more(z, buf, have, sizeof(buf));
		if (have == before)
			return -1;
		done += kf_unpack_slots(&pack, slots + done, n - done, &from, &have);
		memmove(buf, from, have);
	}
	return have ? -1 : 0;
}

int kf_reader_decode(struct kf_reader *r, const struct kf_reader_section *s, void *out)
{
	if (s->head.encoding == KF_ENCODING_PLAIN) {
		memcpy(out, s->stored, s->head.bytes);
		return 0;
	}
	/* One call takes at most 4 GiB; KF_FILE_MAX_BYTES of slots never need that, so more is damage. */
	if (s->head.stored_bytes > UINT32_MAX || inflateReset(&r->z) != Z_OK)
		return kf_reader_fail_damaged(r, s->at, "a section is too large");
	r->z.next_in = (Bytef *)s->stored;
	r->z.avail_in = (uInt)s->head.stored_bytes;
	if (s->head.encoding == KF_ENCODING_PACKED ? inflate_slots(&r->z, out, s->head.bytes / KF_SLOT_BYTES)
						   : inflate_into(&r->z, out, s->head.bytes))
		return kf_reader_fail_damaged(r, s->at, "a section cannot be decompressed");
	if (inflate_end(&r->z))
		return kf_reader_fail_damaged(r, s->at, "a section cannot be decompressed");
	return 0;
}

unsigned char *kf_reader_decode_new(struct kf_reader *r, const struct kf_reader_section *s)
{
	unsigned char *bytes = malloc(s->head.bytes + 1);

	if (!bytes) {
		kf_fail_memory(r->e, "a section of the snapshot");
		return NULL;
	}
	if (kf_reader_decode(r, s, bytes)) {
		free(bytes);
		return NULL;
	}
	return bytes;
}

int kf_reader_decode_struct(struct kf_reader *r, const struct kf_reader_section *s, void *out, size_t len,
			    size_t first_len)
{
	unsigned char *bytes;

	if (s->head.bytes < first_len)
		return kf_reader_fail_damaged(r, s->at, "a section is too short");
	bytes = kf_reader_decode_new(r, s);
	if (!bytes)
		return -1;
	memset(out, 0, len);
	memcpy(out, bytes, s->head.bytes < len ? s->head.bytes : len);
	free(bytes);
	return 0;
}

int kf_reader_check_length(struct kf_reader *r, const struct kf_reader_section *section)
{
	const struct kf_file_section *h = &section->head;
	bool fits;

	switch (h->encoding) {
	case KF_ENCODING_PLAIN:
		fits = h->bytes == h->stored_bytes;
		break;
	case KF_ENCODING_ZLIB:
		fits = h->bytes / KF_ZLIB_MAX_RATIO <= h->stored_bytes;
		break;
	case KF_ENCODING_PACKED:
		fits = h->type == KF_SECTION_SLOTS &&
		       (h->bytes <= KF_PACKED_EXTRA_BYTES ||
			(h->bytes - KF_PACKED_EXTRA_BYTES) / KF_ZLIB_MAX_RATIO <= h->stored_bytes);
		break;
	default:
		return kf_reader_fail_damaged(r, section->at, "a section has an unknown encoding");
	}
	if (!fits || h->bytes > KF_FILE_MAX_BYTES - r->decoded_bytes)
		return kf_reader_fail_damaged(r, section->at, "a section has an impossible length");
	r->decoded_bytes += h->bytes;
	return 0;
}

int kf_reader_decode_texts(struct kf_reader *r, const struct kf_reader_section *section, size_t item_bytes,
			   struct kf_reader_array *a)
{
	uint32_t head[2];
	size_t left;

	if (section->head.bytes < sizeof(head))
		return kf_reader_fail_damaged(r, section->at, "a section is too short");
	a->bytes = kf_reader_decode_new(r, section);
	if (!a->bytes)
		return -1;
	memcpy(head, a->bytes, sizeof(head));
	left = section->head.bytes - sizeof(head);
	a->stride = head[0];
	a->n = head[1];
	a->items = a->bytes + sizeof(head);
	if (a->stride >= item_bytes && left / a->stride >= a->n) {
		a->texts = a->items + a->n * a->stride;
		a->texts_left = left - a->n * a->stride;
		return 0;
	}
	free(a->bytes);
	return kf_reader_fail_damaged(r, section->at, "the length of an array does not fit its section");
}

int kf_reader_decode_array(struct kf_reader *r, const struct kf_reader_section *section, size_t item_bytes,
			   struct kf_reader_array *a)
{
	if (kf_reader_decode_texts(r, section, item_bytes, a))
		return -1;
	if (!a->texts_left)
		return 0;
	free(a->bytes);
	return kf_reader_fail_damaged(r, section->at, "the length of an array does not fit its section");
}

char *kf_reader_next_text(struct kf_reader *r, const struct kf_reader_section *section, struct kf_reader_array *a,
			  size_t len)
{
	char *text;

	if (len > a->texts_left || memchr(a->texts, '\0', len)) {
		kf_reader_fail_damaged(r, section->at, "a text is no string");
		return NULL;
	}
	text = strndup((const char *)a->texts, len);
	if (!text)
		kf_fail_memory(r->e, "the snapshot");
	a->texts += len;
	a->texts_left -= len;
	return text;
}
