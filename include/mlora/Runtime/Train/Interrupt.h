// SIGINT and SIGTERM as a question that the training loop asks between steps.
#pragma once

namespace mlora {

/// While it lives, the first signal is only remembered; a second one ends the process as usual.
class InterruptGuard {
public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard &) = delete;
  InterruptGuard &operator=(const InterruptGuard &) = delete;

  bool asked() const;
};

} // namespace mlora
