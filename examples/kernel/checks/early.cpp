// A cache as a global, in use before anything else: slab::Immortal is constant-initialised.
#include "examples/kernel/caches/backends.hpp"
#include "examples/kernel/checks/checks.hpp"
#include "examples/kernel/checks/stamp.hpp"

namespace kernel {
namespace {

using Object = Stamped<48>;
constinit slab::Immortal<slab::Cache<Object, slab::Config{}, FrameBackend, Panic>> cache{frame_backend};
constinit Object* object_before = nullptr;

/// A global of somebody's that is not constant-initialised, and allocates where it is constructed.
struct LateGlobal {
  LateGlobal() noexcept : object{cache->alloc()} {
    if (object) object->stamp(200);
  }
  Object* object;
};
LateGlobal late_global;

}  // namespace

void use_cache_before_constructors() noexcept {
  require(late_global.object == nullptr, "a constructor has run before");
  object_before = cache->alloc();
  require(object_before != nullptr, "no object for the first caller");
  object_before->stamp(100);
}

void use_cache_after_constructors() noexcept {
  require(late_global.object != nullptr, "no constructor has run");
  object_before->require_mark(100);
  late_global.object->require_mark(200);
  require(cache->statistics().allocated_objects == 2 && cache->audit(), "the cache has lost count");
  cache->free(object_before);
  cache->free(late_global.object);
  require(cache->shrink() == 1, "the slab has not come back");
  print("early: an object before any constructor ran, and one in a constructor, of a constinit cache\n");
}

}  // namespace kernel
