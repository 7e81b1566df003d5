// Expecting a mlora::Error and what it says.
#pragma once

#include "mlora/Runtime/Core/Error.h"

#include <gtest/gtest.h>
#include <string>

/// The statement must throw mlora::Error whose message contains every given text.
#define EXPECT_REFUSED(statement, ...)                                                                       \
  do {                                                                                                       \
    try {                                                                                                    \
      statement;                                                                                             \
      ADD_FAILURE() << "accepted: " #statement;                                                              \
    } catch (const mlora::Error &error) {                                                                    \
      for (const std::string &part : std::initializer_list<std::string>{__VA_ARGS__})                        \
        EXPECT_NE(std::string(error.what()).find(part), std::string::npos)                                   \
            << "\"" << part << "\" is not in: " << error.what();                                             \
    }                                                                                                        \
  } while (false)
