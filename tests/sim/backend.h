// The storage behind the simulated CSI driver: disks and cuts. What is on a disk is a token: who wrote it, and how
// often.
#pragma once

#include "common/core/duration.h"

#include <map>
#include <string>

namespace holdfast::sim {

struct Token {
    std::string writer;  // "" : empty. Else the claim ("namespace/name") for which the data was first written
    int version = 0;     // raised by each start of a workload on it
    // How far kubectl clone --sql has come: the statements of actors.cpp, each carried out after the other. Copies
    // inherit it.
    int cleaned = 0;
    bool masked = false;  // all of them have been
    // What the source had freed, or masking has, lies below: it was copied with the blocks. False for a disk that was
    // filled file by file, and for copies of one.
    bool old_below = true;
    std::string text() const {
        return writer.empty() ? "empty" : writer + (masked ? ", masked" : "") + (old_below ? "" : ", fresh");
    }
};

struct Disk {
    Token token;
    long long size = 0;
};

struct Cut {
    Token token;
    long long size = 0;
    SystemTime at, ready_at;
    bool held = false;  // a command held the writes of every running pod back that mounts the disk
};

// By handle, as PersistentVolumes and VolumeSnapshotContents name them.
struct Backend {
    std::map<std::string, Disk> disks;
    std::map<std::string, Cut> cuts;
};

}  // namespace holdfast::sim
