/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * With the policy module of packaging/selinux, programs that log users in may not open the store,
 * and all ask totpd.
 */
#ifndef DOCTOR_SELINUX_H
#define DOCTOR_SELINUX_H

#include <stdbool.h>
#include <stddef.h>

/* What the kernel says. Each is a text, empty if there is none. */
struct selinux_facts {
	char enforce
		[8]; /* of SELinux's file system: "1" if it denies what its policy does not allow */
	char label[256]; /* of the directory of credentials: user:role:type, and often :range */
};

/* Does SELinux deny the store to programs that log users in? */
bool selinux_denies_store(const struct selinux_facts *facts);

/* Read the facts about the store in this directory. */
void selinux_look(const char *store_dir, struct selinux_facts *ret_facts);

#endif
