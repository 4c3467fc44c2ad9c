// An SFTP server over npm's ssh2, for one account with one key. Its quirks are
// those of servers that are met in the field: QUIRKS is a list of size0,
// nosize, inorder, nofsetstat and texts.
'use strict'
const fs = require('fs')
const path = require('path')
const { Server, utils } = require(process.env.SSH2)
const { OPEN_MODE, STATUS_CODE } = utils.sftp
const root = process.env.ROOT
const quirks = new Set((process.env.QUIRKS || '').split(',').filter(Boolean))
const allowed = utils.parseKey(fs.readFileSync(process.env.AUTHORIZED))

const real = (p) => path.join(root, path.posix.normalize('/' + p))

function code(err) {
  switch (err.code) {
    case 'ENOENT': return STATUS_CODE.NO_SUCH_FILE
    case 'EACCES': case 'EPERM': return STATUS_CODE.PERMISSION_DENIED
  }
  return STATUS_CODE.FAILURE
}

function attributes(st) {
  const a = { mode: st.mode, uid: st.uid, gid: st.gid, size: st.size, atime: st.atimeMs / 1000 | 0, mtime: st.mtimeMs / 1000 | 0 }
  if (st.isFile() && quirks.has('size0')) a.size = 0
  if (st.isFile() && quirks.has('nosize')) delete a.size
  return a
}

function serve(sftp) {
  const handles = new Map()
  let next = 0
  const fail = (id, err) => {
    const text = quirks.has('texts') ? 'E-4711: \u00fc\n"' + err.code + '" %s at gateway 7' : err.message
    sftp.status(id, code(err), text)
  }
  const done = (id) => (err) => err ? fail(id, err) : sftp.status(id, STATUS_CODE.OK)
  const give = (id, h) => {
    const key = Buffer.alloc(4)
    key.writeUInt32BE(next++)
    handles.set(key.toString('hex'), h)
    sftp.handle(id, key)
  }
  const find = (id, key) => {
    const h = handles.get(key.toString('hex'))
    if (!h) sftp.status(id, STATUS_CODE.FAILURE)
    return h
  }
  sftp.on('OPEN', (id, name, mode) => {
    let flags = mode & OPEN_MODE.WRITE ? (mode & OPEN_MODE.READ ? fs.constants.O_RDWR : fs.constants.O_WRONLY) : fs.constants.O_RDONLY
    if (mode & OPEN_MODE.CREAT) flags |= fs.constants.O_CREAT
    if (mode & OPEN_MODE.TRUNC) flags |= fs.constants.O_TRUNC
    if (mode & OPEN_MODE.EXCL) flags |= fs.constants.O_EXCL
    fs.open(real(name), flags, 0o644, (err, fd) => err ? fail(id, err) : give(id, { fd, at: fs.fstatSync(fd).size }))
  })
  sftp.on('READ', (id, key, offset, length) => {
    const h = find(id, key)
    if (!h) return
    const buf = Buffer.alloc(Math.min(length, 1 << 18))
    fs.read(h.fd, buf, 0, buf.length, offset, (err, n) => {
      if (err) fail(id, err)
      else if (n === 0) sftp.status(id, STATUS_CODE.EOF)
      else sftp.data(id, buf.subarray(0, n))
    })
  })
  sftp.on('WRITE', (id, key, offset, data) => {
    const h = find(id, key)
    if (!h) return
    if (quirks.has('inorder')) {
      if (offset !== h.at) return sftp.status(id, STATUS_CODE.FAILURE, 'not at the end')
      h.at += data.length
    }
    fs.write(h.fd, data, 0, data.length, offset, done(id))
  })
  sftp.on('CLOSE', (id, key) => {
    const h = find(id, key)
    if (!h) return
    handles.delete(key.toString('hex'))
    if (h.fd === undefined) sftp.status(id, STATUS_CODE.OK)
    else fs.close(h.fd, done(id))
  })
  sftp.on('FSTAT', (id, key) => {
    const h = find(id, key)
    if (h) fs.fstat(h.fd, (err, st) => err ? fail(id, err) : sftp.attrs(id, attributes(st)))
  })
  const stat = (id, name) => fs.stat(real(name), (err, st) => err ? fail(id, err) : sftp.attrs(id, attributes(st)))
  sftp.on('STAT', stat)
  sftp.on('LSTAT', stat)
  for (const op of ['SETSTAT', 'FSETSTAT']) {
    sftp.on(op, (id) => sftp.status(id, quirks.has('nofsetstat') ? STATUS_CODE.OP_UNSUPPORTED : STATUS_CODE.OK))
  }
  sftp.on('OPENDIR', (id, name) => fs.readdir(real(name), (err, names) => err ? fail(id, err) : give(id, { names, dir: real(name) })))
  sftp.on('READDIR', (id, key) => {
    const h = find(id, key)
    if (!h) return
    const some = h.names.splice(0, 100)
    if (some.length === 0) return sftp.status(id, STATUS_CODE.EOF)
    sftp.name(id, some.map((filename) => ({ filename, longname: filename, attrs: attributes(fs.statSync(path.join(h.dir, filename))) })))
  })
  sftp.on('REMOVE', (id, name) => fs.unlink(real(name), done(id)))
  sftp.on('RENAME', (id, from, to) => {
    if (fs.existsSync(real(to))) return sftp.status(id, STATUS_CODE.FAILURE, 'it is there')
    fs.rename(real(from), real(to), done(id))
  })
  sftp.on('REALPATH', (id, name) => {
    const p = path.posix.normalize('/' + (name === '.' ? '' : name))
    sftp.name(id, [{ filename: p, longname: p, attrs: {} }])
  })
}

new Server({ hostKeys: [fs.readFileSync(process.env.HOSTKEY)] }, (client) => {
  client.on('error', () => {})
  client.on('authentication', (ctx) => {
    if (ctx.method !== 'publickey' || ctx.username !== process.env.ACCOUNT || !ctx.key.data.equals(allowed.getPublicSSH())) {
      return ctx.reject(['publickey'])
    }
    if (ctx.signature && allowed.verify(ctx.blob, ctx.signature, ctx.hashAlgo) !== true) return ctx.reject(['publickey'])
    ctx.accept()
  })
  client.on('session', (accept) => accept().on('sftp', (accept) => serve(accept())))
}).listen(Number(process.env.PORT), '127.0.0.1')
