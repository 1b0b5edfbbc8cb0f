/* totpctl import pskc, built without libxml2. */
#include "common/ctl.h"

int ctl_import_pskc(struct ctl *ctl)
{
	return tool_refuse(&ctl->tool, "import pskc: this totpctl was built without libxml2");
}
