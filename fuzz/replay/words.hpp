#pragma once

#include "model/program/setup.hpp"

namespace slabproof {

/// What the step before the first operation is called.
constexpr const char* beginning_of(Shape shape) {
  switch (shape) {
    case Shape::SlabCache: return "the caches are made";
    case Shape::Pool: return "the pools are made";
    case Shape::Heap: return "the heaps are made";
  }
  return "";
}

/// And the one behind the last.
constexpr const char* end_of(Shape shape) {
  switch (shape) {
    case Shape::SlabCache: return "everything is freed and the caches destroyed";
    case Shape::Pool: return "everything is freed and the pools destroyed";
    case Shape::Heap: return "everything is freed and the heaps destroyed";
  }
  return "";
}

}  // namespace slabproof
