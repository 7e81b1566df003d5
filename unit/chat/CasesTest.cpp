// Templates against the texts that Python's jinja2 makes of them (cases.json, written by make_cases.py).
#include "mlora/Runtime/Chat/ChatTemplate.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Json.h"

#include <gtest/gtest.h>

namespace mlora {

TEST(ChatTemplate, WritesWhatJinja2Writes) {
  RowJson cases = parseRow(readFile(MLORA_SOURCE "/unit/chat/cases.json"), "cases.json");
  ASSERT_GT(cases.size(), 60u);
  for (const RowJson &one : cases) {
    SCOPED_TRACE(one["name"].get<std::string>() + ": " + one["template"].get<std::string>());
    std::string error;
    try {
      ChatTemplate chat(one["template"].get<std::string>(), one.value("bos", "<s>"),
                        one.value("eos", "</s>"));
      std::string text = renderChat(chat, one["messages"], one["prompt"].get<bool>());
      EXPECT_EQ(text, one.value("text", ""));
    } catch (const Error &caught) {
      error = caught.what();
    }
    if (one.contains("error"))
      EXPECT_NE(error.find(one["error"].get<std::string>()), std::string::npos) << error;
    else
      EXPECT_EQ(error, "");
  }
}

} // namespace mlora
