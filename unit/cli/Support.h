// What the tests of configuration and commands share.
#pragma once

#include "mlora/Runtime/Config/Arguments.h"
#include "mlora/Runtime/Core/Error.h"

#include <gtest/gtest.h>

namespace mlora::test {

#define EXPECT_SAYS(message, part) EXPECT_NE(std::string(message).find(part), std::string::npos) << (message)

/// The arguments of `train` with what it needs, then these.
inline Arguments readTrain(std::vector<std::string> words) {
  words.insert(words.begin(), {"model=m", "datasets=d", "output_dir=o"});
  return readArguments(Command::Train, words);
}

/// The message of the mistake in a command's words; empty when there is none.
inline std::string complaint(Command command, const std::vector<std::string> &words) {
  try {
    readArguments(command, words, command == Command::Data);
    return "";
  } catch (const Error &error) {
    EXPECT_EQ(error.status, Status::BadInput);
    return error.what();
  }
}

inline std::string trainComplaint(std::vector<std::string> words) {
  words.insert(words.begin(), {"model=m", "datasets=d", "output_dir=o"});
  return complaint(Command::Train, words);
}

} // namespace mlora::test
