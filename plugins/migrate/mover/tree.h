// A directory tree that nothing leads out of: every open goes through openat2 beneath its root, follows no link of any
// kind and enters no other filesystem, whatever is swapped in meanwhile. Paths are relative to the root, "" is the
// root.
#pragma once

#include "common/core/result.h"

#include <sys/types.h>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::mover {

class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int value) : value_(value) {}
    Descriptor(Descriptor&& other) noexcept : value_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor() { close(); }
    int get() const { return value_; }
    bool open() const { return value_ >= 0; }
    void close();
    int release();

  private:
    int value_ = -1;
};

// "what PATH: No space left on device": kNotFound for ENOENT and ENOTDIR, else kUnavailable, since what an operating
// system refuses in the middle of a copy leaves it to be resumed (exit 5). The path is escaped here.
Error system_error(std::string_view what, std::string_view path, int code);

// Of the errno of an open: what a walk found there a moment ago is gone, or something else has its name. No error of a
// source that is in use.
bool is_gone(int code);

// What keeps other movers out of the folders around a target, until it is gone.
using LocksAround = std::vector<Descriptor>;

class Tree {
  public:
    // kNotFound, kFailed: no such directory. kRefused: the kernel makes up what is in it, or lacks a call (or a
    // container may not use it) without which links could lead out of it. `title` stands before paths in messages:
    // "source", "target".
    static Result<Tree> open(const std::string& path, std::string title);

    // A block device or an image in a file, open as the caller wants to use it: its content is that of the one entry
    // "".
    static Tree image(Descriptor file, std::uint64_t size, bool block_device, std::string title,
                      const std::string& path);

    // kLocked: another mover writes to it, to a folder in it or to one that it lies in, as far as that is of the same
    // mount. Held until this tree and what is returned are gone. Where a filesystem has no such locks (some over a
    // network), nobody is kept out. A device was opened for this process alone already.
    Result<LocksAround> lock() const;
    // kUnavailable: who follows its path comes to something else by now. What is open stays what it was, so nothing
    // went elsewhere; but nobody would find it.
    Status still_there() const;

    int root() const { return root_.get(); }
    bool is_image() const { return image_size_.has_value(); }
    bool is_block_device() const { return block_device_; }
    std::uint64_t image_size() const { return image_size_.value_or(0); }  // when it was opened
    // Everything written is on the disk: the whole filesystem of a tree, the image alone of an image.
    Status sync() const;
    dev_t device() const { return device_; }
    const std::string& title() const { return title_; }
    // For messages: "source:a/b", with what could trouble a terminal escaped.
    std::string shown(std::string_view path) const;

    // errno of the failed open, or the descriptor. flags as for open(2); O_CLOEXEC and O_NOFOLLOW are added.
    Descriptor open_beneath(std::string_view path, int flags, mode_t mode = 0) const;
    Result<Descriptor> open_directory(std::string_view path) const;  // O_PATH would not do: xattrs are set through it
    Result<Descriptor> open_file(std::string_view path, int flags) const;

  private:
    Error locked(const std::string& by) const;
    Tree(Descriptor root, dev_t device, std::string title, const std::string& path);
    Descriptor root_;
    dev_t device_ = 0;
    std::string said_, path_;  // as the user says it; from the machine's root, without links
    std::optional<std::uint64_t> image_size_;
    bool block_device_ = false;
    std::string title_;
};

// One name in an open directory, confined likewise: never a link, never another filesystem.
Descriptor open_in(int directory, const std::string& name, int flags, mode_t mode = 0);

}  // namespace holdfast::mover
