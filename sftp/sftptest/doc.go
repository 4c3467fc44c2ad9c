// Package sftptest has an SFTP gateway that runs in the process, and a mock of
// the client, for tests of programs that use package sftp.
//
// [NewServer] speaks real SSH and SFTP, on loopback or in memory (for
// testing/synctest), with files in memory, folders and permissions as the
// layout says, key and password logins, and faults on request: a connection
// cut after n bytes, a lost answer, a server that stalls, short reads, a full
// disk, a changed host key. Its SFTP side shares no code with the client's.
//
// [Mock] has a function for each method.
package sftptest
