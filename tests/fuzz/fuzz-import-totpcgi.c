/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz.h"

#include "import/totpcgi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reason why = {""};
	struct totpcgi_state state;

	if (totpcgi_decode(fuzz_text(data, size), &state, &why) != TOTP_OK) {
		REQUIRE(why.text[0] && state.used_count == 0 && state.last_success == 0);
		return 0;
	}
	REQUIRE(state.last_success >= 0 && state.counter >= -1);
	REQUIRE(state.used_count <= TOTPCGI_USED_MAX);
	for (unsigned i = 0; i < state.used_count; i++)
		REQUIRE(strspn(state.used[i].text, "0123456789") == CODE_DIGITS_MAX);
	return 0;
}
