/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/container.h"

#include <stdbool.h>
#include <string.h>

#define ID_DIGITS      64
#define SHOWN_DIGITS   12
#define STATIC_POD_LEN 32
#define POD_UID_LEN    36

/* A name of the path, or a part of one. */
struct word {
	const char *text;
	size_t len;
};

static bool is_hex(const char *text, size_t len)
{
	return strspn(text, "0123456789abcdef") >= len;
}

static bool equals(struct word w, const char *text)
{
	return w.len == strlen(text) && !memcmp(w.text, text, w.len);
}

static bool starts_with(struct word w, const char *prefix)
{
	size_t len = strlen(prefix);

	return w.len >= len && !memcmp(w.text, prefix, len);
}

static bool ends_with(struct word w, const char *suffix)
{
	size_t len = strlen(suffix);

	return w.len >= len && !memcmp(w.text + w.len - len, suffix, len);
}

static bool cut_prefix(struct word *w, const char *prefix)
{
	size_t len = strlen(prefix);

	if (!starts_with(*w, prefix))
		return false;
	w->text += len;
	w->len -= len;
	return true;
}

static bool cut_suffix(struct word *w, const char *suffix)
{
	if (!ends_with(*w, suffix))
		return false;
	w->len -= strlen(suffix);
	return true;
}

static bool is_id(struct word w)
{
	return w.len == ID_DIGITS && is_hex(w.text, w.len);
}

static void set_container(struct kf_container *c, const char *runtime, struct word id)
{
	size_t len = id.len == ID_DIGITS ? SHOWN_DIGITS : id.len;

	c->runtime = runtime;
	memcpy(c->id, id.text, len);
	c->id[len] = '\0';
}

static void leave_container(struct kf_container *c)
{
	c->runtime = "";
	c->id[0] = '\0';
}

/* 8-4-4-4-12 digits. */
static bool is_uuid(struct word w, char separator)
{
	for (size_t i = 0; i < w.len; i++) {
		bool between = i == 8 || i == 13 || i == 18 || i == 23;

		if (between ? w.text[i] != separator : !is_hex(w.text + i, 1))
			return false;
	}
	return w.len == POD_UID_LEN;
}

static bool set_pod(struct kf_container *c, struct word uid, char separator)
{
	if (!is_uuid(uid, separator) && !(uid.len == STATIC_POD_LEN && is_hex(uid.text, uid.len)))
		return false;
	memcpy(c->pod, uid.text, uid.len);
	c->pod[uid.len] = '\0';
	for (char *at = c->pod; *at; at++)
		*at = *at == '_' ? '-' : *at;
	leave_container(c);
	return true;
}

/* "kubepods-burstable-podUID.slice", "kubelet-kubepods-podUID.slice" */
static bool take_pod_slice(struct kf_container *c, struct word w)
{
	static const char *const classes[] = { "kubepods-besteffort-pod", "kubepods-burstable-pod", "kubepods-pod" };

	if (!cut_suffix(&w, ".slice"))
		return false;
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		const char *at = memmem(w.text, w.len, classes[i], strlen(classes[i]));
		size_t skip = at ? (size_t)(at - w.text) + strlen(classes[i]) : 0;

		if (at && (at == w.text || at[-1] == '-') &&
		    set_pod(c, (struct word){ w.text + skip, w.len - skip }, '_'))
			return true;
	}
	return false;
}

static bool take_podman_pod(struct kf_container *c, struct word w)
{
	if (cut_suffix(&w, ".slice") && !cut_prefix(&w, "machine-") && !cut_prefix(&w, "user-"))
		return false;
	if (!cut_prefix(&w, "libpod_pod_") || !is_id(w))
		return false;
	memcpy(c->pod, w.text, SHOWN_DIGITS);
	c->pod[SHOWN_DIGITS] = '\0';
	leave_container(c);
	return true;
}

/* "docker-ID.scope" and the like. A monitor of a container is recognised, and is in none. */
static bool take_scope(struct kf_container *c, struct word w)
{
	static const struct {
		const char *prefix, *runtime; /* NULL: a monitor */
		bool plain;		      /* also without ".scope" */
	} forms[] = {
		{ "docker-", "docker", false },
		{ "cri-containerd-", "containerd", false },
		{ "nerdctl-", "containerd", false },
		{ "crio-conmon-", NULL, true },
		{ "crio-", "cri-o", true },
		{ "libpod-conmon-", NULL, true },
		{ "libpod-payload-", "podman", true },
		{ "libpod-", "podman", true },
	};
	bool scope = cut_suffix(&w, ".scope");

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct word id = w;

		if (!(scope || forms[i].plain) || !cut_prefix(&id, forms[i].prefix) || !is_id(id))
			continue;
		if (forms[i].runtime)
			set_container(c, forms[i].runtime, id);
		else
			leave_container(c);
		return true;
	}
	return false;
}

/* "SLICE:cri-containerd:ID": meant for systemd, taken for a name. */
static bool take_colons(struct kf_container *c, struct word w)
{
	static const struct {
		const char *prefix, *runtime;
	} runtimes[] = {
		{ "cri-containerd", "containerd" },
		{ "nerdctl", "containerd" },
		{ "docker", "docker" },
		{ "crio", "cri-o" },
		{ "libpod", "podman" },
	};
	const char *first = memchr(w.text, ':', w.len), *end = w.text + w.len;
	const char *second = first ? memchr(first + 1, ':', (size_t)(end - first - 1)) : NULL;
	struct word runtime, id;

	if (!second)
		return false;
	runtime = (struct word){ first + 1, (size_t)(second - first - 1) };
	id = (struct word){ second + 1, (size_t)(end - second - 1) };
	for (size_t i = 0; i < sizeof(runtimes) / sizeof(runtimes[0]); i++)
		if (equals(runtime, runtimes[i].prefix) && is_id(id)) {
			take_pod_slice(c, (struct word){ w.text, (size_t)(first - w.text) });
			set_container(c, runtimes[i].runtime, id);
			return true;
		}
	return false;
}

static bool is_lxc_name(struct word w)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

	return w.len > 0 && w.len < KF_CONTAINER_ID_BYTES && w.text[0] != '.' && strspn(w.text, allowed) >= w.len;
}

static bool take_lxc(struct kf_container *c, struct word above, struct word w, bool at_top)
{
	bool below = at_top && (equals(above, "lxc") || equals(above, "lxc.payload"));
	bool monitor = starts_with(w, "lxc.monitor.");

	if (monitor) {
		leave_container(c);
		return true;
	}
	if ((!below && !cut_prefix(&w, "lxc.payload.")) || !is_lxc_name(w))
		return false;
	set_container(c, "lxc", w);
	return true;
}

/* A folder whose name is an id, or "podUID" below kubepods. */
static bool take_plain(struct kf_container *c, struct word above, struct word w, bool below_kubepods)
{
	if (is_id(w)) {
		set_container(c, equals(above, "docker") ? "docker" : equals(above, "k8s.io") ? "containerd" : "", w);
		return true;
	}
	return below_kubepods && cut_prefix(&w, "pod") && set_pod(c, w, '-');
}

/* A slice counts as long as nothing better was seen below the last service or scope. */
static void take_unit(struct kf_container *c, struct word w)
{
	bool slice = ends_with(w, ".slice") && w.len > strlen(".slice");
	bool unit = (ends_with(w, ".service") && w.len > strlen(".service")) ||
		    (ends_with(w, ".scope") && w.len > strlen(".scope"));
	bool has_better = c->unit && !ends_with((struct word){ c->unit, c->unit_len }, ".slice");

	if (!unit && !(slice && !has_better))
		return;
	c->unit = w.text;
	c->unit_len = w.len;
}

void kf_container_of(const char *path, struct kf_container *out)
{
	struct word above = { "", 0 };
	bool below_kubepods = false;

	*out = (struct kf_container){ .runtime = "" };
	for (int depth = 0; *(path += strspn(path, "/")); depth++) {
		struct word w = { path, strcspn(path, "/") };

		if (!take_pod_slice(out, w) && !take_podman_pod(out, w) && !take_scope(out, w) &&
		    !take_colons(out, w) && !take_lxc(out, above, w, depth == 1))
			take_plain(out, above, w, below_kubepods);
		take_unit(out, w);
		below_kubepods |= equals(w, "kubepods");
		above = w;
		path += w.len;
	}
}
