#pragma once

#include "model/memory/recording_backend.hpp"
#include "model/subject/subject.hpp"

namespace slabproof {

/// As long as a call of a subject with memory of its own takes, that is refused, if the program says so.
class Refusal {
 public:
  Refusal(AnySubject& subject, RecordingBackend& memory)
      : subject_{subject}, is_on_{subject.abilities().refuses_memory && memory.refuses_call()} {
    if (is_on_) subject_.refuse_memory(true);
  }
  ~Refusal() {
    if (is_on_) subject_.refuse_memory(false);
  }
  Refusal(const Refusal&) = delete;
  Refusal& operator=(const Refusal&) = delete;

 private:
  AnySubject& subject_;
  bool is_on_;
};

}  // namespace slabproof
