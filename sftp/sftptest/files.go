package sftptest

import (
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// fileSystem is a tree in memory with permissions by folder.
type fileSystem struct {
	mu      sync.Mutex
	root    *node
	allowed map[string]Permission
	traits  Traits
	used    int64
}

// node is a file or, with children, a folder.
type node struct {
	children map[string]*node
	data     []byte
	modified time.Time
}

func (n *node) dir() bool { return n.children != nil }

// size is what a file or all files in a folder take of the capacity.
func (n *node) size() int64 {
	sum := int64(len(n.data))
	for _, c := range n.children {
		sum += c.size()
	}
	return sum
}

// browse is what the folders above the layout's allow.
var browse = Permission{List: true, Stat: true}

func newFileSystem(t Traits) *fileSystem {
	return &fileSystem{
		root: &node{children: map[string]*node{}, modified: time.Now()}, allowed: map[string]Permission{},
		traits: t,
	}
}

// may returns what is allowed with the entries of a folder.
func (f *fileSystem) may(dir string) Permission {
	if p, ok := f.allowed[dir]; ok {
		return p
	}
	return browse
}

func (f *fileSystem) allow(dir string, p Permission) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.allowed[dir] = p
	f.makeDir(dir)
}

func (f *fileSystem) makeDir(dir string) *node {
	n := f.root
	for part := range strings.SplitSeq(dir, "/") {
		if part == "" {
			continue
		}
		next := n.children[part]
		if next == nil {
			next = &node{children: map[string]*node{}, modified: time.Now()}
			n.children[part] = next
		}
		n = next
	}
	return n
}

// find returns the node at a clean absolute path.
func (f *fileSystem) find(name string) *node {
	n := f.root
	for part := range strings.SplitSeq(name, "/") {
		if part == "" {
			continue
		}
		if n = n.children[part]; n == nil {
			return nil
		}
	}
	return n
}

func (f *fileSystem) put(name string, data []byte, modified time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir := f.makeDir(path.Dir(name))
	if old := dir.children[path.Base(name)]; old != nil {
		f.used -= old.size()
	}
	dir.children[path.Base(name)] = &node{data: slices.Clone(data), modified: modified}
	f.used += int64(len(data))
}

// rewrite changes a file in place: who has it open sees the new content.
func (f *fileSystem) rewrite(name string, data []byte, modified time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.find(name); n != nil && !n.dir() {
		f.used += int64(len(data) - len(n.data))
		n.data, n.modified = slices.Clone(data), modified
	}
}

func (f *fileSystem) append(name string, data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.find(name); n != nil && !n.dir() {
		n.data, n.modified = append(n.data, data...), time.Now()
		f.used += int64(len(data))
	}
}

func (f *fileSystem) take(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.find(name); n != nil {
		f.used -= n.size()
		delete(f.find(path.Dir(name)).children, path.Base(name))
	}
}

func (f *fileSystem) get(name string) ([]byte, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.find(name); n != nil && !n.dir() {
		return slices.Clone(n.data), true
	}
	return nil, false
}

func (f *fileSystem) names(dir string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.find(dir)
	if n == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(n.children))
}

// The flags of an open request.
const (
	flagRead   = 0x01
	flagWrite  = 0x02
	flagAppend = 0x04
	flagCreate = 0x08
	flagTrunc  = 0x10
	flagExcl   = 0x20
)

// open returns the node of a file, or the status of the refusal.
func (f *fileSystem) open(name string, flags uint32) (*node, uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, n := f.find(path.Dir(name)), f.find(name)
	may := f.may(path.Dir(name))
	switch {
	case dir == nil || !dir.dir():
		return nil, statusNoSuchFile
	case flags&flagRead != 0 && !may.Read, flags&(flagWrite|flagCreate|flagTrunc) != 0 && !may.Write:
		return nil, statusPermission
	case flags&flagAppend != 0: // no part of the contract needs it, and servers disagree about it
		return nil, statusUnsupported
	case n == nil && flags&flagCreate == 0:
		return nil, statusNoSuchFile
	case n != nil && (n.dir() || flags&flagExcl != 0):
		return nil, statusFailure
	case n != nil && flags&flagWrite != 0 && f.traits.NoReopen:
		return nil, statusPermission
	}
	if n == nil {
		n = &node{modified: time.Now()}
		dir.children[path.Base(name)] = n
	}
	if flags&flagTrunc != 0 {
		f.used -= int64(len(n.data))
		n.data, n.modified = nil, time.Now()
	}
	return n, statusOK
}

func (f *fileSystem) write(n *node, data []byte, off int64) uint32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.traits.AppendOnly:
		off = int64(len(n.data))
	case f.traits.InOrder && off != int64(len(n.data)):
		return statusFailure
	}
	end := off + int64(len(data))
	if grow := end - int64(len(n.data)); grow > 0 {
		if f.traits.Capacity > 0 && f.used+grow > f.traits.Capacity {
			return statusFailure // ENOSPC has no code in version 3
		}
		f.used += grow
		n.data = slices.Grow(n.data, int(grow))[:end]
	}
	copy(n.data[off:], data)
	n.modified = time.Now()
	return statusOK
}

// readAt copies what there is at an offset; nil is the end of the file.
func (f *fileSystem) readAt(n *node, off int64, length int) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if off >= int64(len(n.data)) || length == 0 {
		return nil
	}
	return slices.Clone(n.data[off:min(off+int64(length), int64(len(n.data)))])
}

func (f *fileSystem) attributes(n *node) attributes {
	f.mu.Lock()
	defer f.mu.Unlock()
	return attributes{dir: n.dir(), size: int64(len(n.data)), modified: n.modified}
}

// stat returns what the server shows of a path.
func (f *fileSystem) stat(name string) (attributes, uint32) {
	f.mu.Lock()
	n := f.find(name)
	may := f.may(path.Dir(name))
	f.mu.Unlock()
	switch {
	case !may.Stat:
		return attributes{}, statusPermission
	case n == nil:
		return attributes{}, statusNoSuchFile
	}
	return f.attributes(n), statusOK
}

func (f *fileSystem) list(name string) ([]listed, uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.find(name)
	switch {
	case n == nil:
		return nil, statusNoSuchFile
	case !n.dir():
		return nil, statusFailure
	case !f.may(name).List:
		return nil, statusPermission
	}
	out := []listed{{".", attributes{dir: true, modified: n.modified}}, {"..", attributes{dir: true, modified: n.modified}}}
	for _, child := range slices.Sorted(maps.Keys(n.children)) {
		c := n.children[child]
		out = append(out, listed{child, attributes{dir: c.dir(), size: int64(len(c.data)), modified: c.modified}})
	}
	return out, statusOK
}

// rename moves a file. Over an existing one only if replace is set.
func (f *fileSystem) rename(from, to string, replace bool) uint32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, dir, old := f.find(from), f.find(path.Dir(to)), f.find(to)
	switch {
	case n == nil || dir == nil || !dir.dir():
		return statusNoSuchFile
	case !f.may(path.Dir(from)).Rename || !f.may(path.Dir(to)).Rename:
		return statusPermission
	case old != nil && (old.dir() || !replace && !f.traits.RenameReplaces):
		return statusFailure
	}
	if old != nil && old != n {
		f.used -= int64(len(old.data))
	}
	delete(f.find(path.Dir(from)).children, path.Base(from))
	dir.children[path.Base(to)] = n
	return statusOK
}

// link gives a file a second name.
func (f *fileSystem) link(from, to string) uint32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, dir := f.find(from), f.find(path.Dir(to))
	switch {
	case n == nil || dir == nil || !dir.dir():
		return statusNoSuchFile
	case !f.may(path.Dir(from)).Rename || !f.may(path.Dir(to)).Rename:
		return statusPermission
	case f.find(to) != nil:
		return statusFailure
	}
	dir.children[path.Base(to)] = n
	return statusOK
}

func (f *fileSystem) remove(name string, folder bool) uint32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.find(name)
	switch {
	case n == nil:
		return statusNoSuchFile
	case !f.may(path.Dir(name)).Remove:
		return statusPermission
	case n.dir() != folder || len(n.children) > 0:
		return statusFailure
	}
	f.used -= int64(len(n.data))
	delete(f.find(path.Dir(name)).children, path.Base(name))
	return statusOK
}

// space returns the number of free bytes, and whether there is a limit at all.
func (f *fileSystem) space() (free int64, limited bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.traits.Capacity - f.used, f.traits.Capacity > 0
}
