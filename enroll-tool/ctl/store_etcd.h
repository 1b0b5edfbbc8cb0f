/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CTL_STORE_ETCD_H
#define CTL_STORE_ETCD_H

#include "common/ctl.h"

/* totpctl store accept, for an open store in etcd. */
MUST_CHECK int store_etcd_accept(struct ctl *ctl);

#endif
