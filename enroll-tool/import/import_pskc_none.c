/* totpctl import pskc, where libxml2 was not there to build with. */
#include "common/ctl.h"

int ctl_import_pskc(struct ctl *ctl)
{
	return tool_refuse(&ctl->tool, "import pskc: this totpctl was built without libxml2");
}
