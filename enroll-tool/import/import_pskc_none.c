/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl import pskc, built without libxml2. */
#include "import/import.h"

int import_pskc(struct ctl *ctl)
{
	return tool_refuse(&ctl->tool, "import pskc: this totpctl was built without libxml2");
}
