#pragma once

#include "model/subject/subject.hpp"

/// The main function of a program that judges another pool: runs random programs on it, each in a child process, and
/// prints for each kind of failure how often it occurred and its shortest program.
int drive_subject(int argc, char** argv, slabproof::MakeSubject make);

/// The same for a subject that is constructed from a CacheSpec and the memory to use.
template <slabproof::Subject S>
int drive(int argc, char** argv) {
  return drive_subject(argc, argv,
                       [](void* storage, const slabproof::CacheSpec& spec, slabproof::RecordingBackend& memory) {
                         return slabproof::make_subject_in<S>(storage, spec, memory);
                       });
}
