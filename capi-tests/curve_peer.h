/*  What plain sockets need to be peers of CURVE (RFC 26), which can forge what no
 *  valid peer sends.  Keys and boxes come from libsodium, which is there wherever
 *  libzmq is: Debian's libzmq5 depends on it.
 */
#ifndef CURVE_PEER_H
#define CURVE_PEER_H

#include "peers.h"

#include <dlfcn.h>

#define KEY 32
/*  What a box is longer than its content.  */
#define MAC 16
/*  Nonce, and a box of two keys.  */
#define VOUCH (16 + MAC + 2 * KEY)
#define COOKIE VOUCH

typedef struct keys {
    unsigned char public[KEY], secret[KEY];
} keys;

/*  Something of up to a few hundred bytes: a command, or what goes into a box.  */
typedef struct bytes {
    unsigned char at[700];
    int size;
} bytes;

static int (*sodium_keypair) (unsigned char *public, unsigned char *secret);
typedef int crypto_box (unsigned char *to, const unsigned char *from, unsigned long long size,
                        const unsigned char *nonce, const unsigned char *public,
                        const unsigned char *secret);
static crypto_box *sodium_seal, *sodium_open;

static inline void load_sodium (void)
{
    void *library = dlopen ("libsodium.so.23", RTLD_NOW);
    if (!library)
        harness_fail (__FILE__, __LINE__, "%s", dlerror ());
    int (*init) (void);
    *(void **) &init = dlsym (library, "sodium_init");
    *(void **) &sodium_keypair = dlsym (library, "crypto_box_keypair");
    *(void **) &sodium_seal = dlsym (library, "crypto_box_easy");
    *(void **) &sodium_open = dlsym (library, "crypto_box_open_easy");
    CHECK (init && sodium_keypair && sodium_seal && sodium_open && init () >= 0);
}

static inline keys new_keys (void)
{
    keys keys;
    CHECK_OK (sodium_keypair (keys.public, keys.secret));
    return keys;
}

static inline void put (bytes *to, const void *data, int size)
{
    CHECK (to->size + size <= (int) sizeof to->at);
    memcpy (to->at + to->size, data, size);
    to->size += size;
}

/*  A counter as commands and nonces have it.  */
static inline void put_counter (bytes *to, int count)
{
    unsigned char counter[8] = {0};
    counter[7] = count;
    put (to, counter, sizeof counter);
}

/*  The nonce of PREFIX and what makes it unique.  */
static inline bytes nonce_of (const char *prefix, const void *unique)
{
    bytes nonce = {.size = 0};
    put (&nonce, prefix, strlen (prefix));
    put (&nonce, unique, 24 - strlen (prefix));
    return nonce;
}

static inline bytes counted_nonce (const char *prefix, int count)
{
    bytes counter = {.size = 0};
    put_counter (&counter, count);
    return nonce_of (prefix, counter.at);
}

/*  Puts CONTENT in a box, from the holder of SECRET to that of PUBLIC's.  */
static inline void put_box (bytes *to, const bytes *content, bytes nonce,
                            const unsigned char *public, const unsigned char *secret)
{
    bytes box = {.size = content->size + MAC};
    CHECK_OK (sodium_seal (box.at, content->at, content->size, nonce.at, public, secret));
    put (to, box.at, box.size);
}

static inline bytes open_box (const unsigned char *box, int size, bytes nonce,
                              const unsigned char *public, const unsigned char *secret)
{
    bytes content = {.size = size - MAC};
    CHECK_OK (sodium_open (content.at, box, size, nonce.at, public, secret));
    return content;
}

/*  Writes a frame of NAME and DATA: a command, or with a FLAG of 0 a message.  */
static inline void write_frame (int fd, int flag, const char *name, const bytes *data)
{
    bytes frame = {.size = 0};
    int size = 1 + strlen (name) + data->size;
    unsigned char head[9] = {flag, size};
    if (size > 255) {
        head[0] |= 2;
        head[1] = 0;
        head[7] = size >> 8;
        head[8] = size;
    }
    put (&frame, head, size > 255 ? 9 : 2);
    put (&frame, (unsigned char[]){strlen (name)}, 1);
    put (&frame, name, strlen (name));
    put (&frame, data->at, data->size);
    plain_write (fd, frame.at, frame.size);
}

/*  Reads the frame of this NAME; what it holds.  */
static inline bytes read_frame (int fd, const char *name)
{
    unsigned char head[9];
    bytes data = {.size = 0};
    int length = 1 + strlen (name);
    plain_read (fd, head, 2);
    int size = head[1];
    if (head[0] & 2) {
        plain_read (fd, head + 2, 7);
        size = head[7] << 8 | head[8];
    }
    CHECK (size >= length && size <= (int) sizeof data.at);
    plain_read (fd, data.at, length);
    CHECK_INT (data.at[0], strlen (name));
    CHECK (memcmp (data.at + 1, name, strlen (name)) == 0);
    data.size = size - length;
    plain_read (fd, data.at, data.size);
    return data;
}

static inline void greet_curve (int fd, int as_server)
{
    unsigned char greeting[64] = "\xFF\0\0\0\0\0\0\0\x01\x7F\x03\0CURVE", theirs[64];
    greeting[32] = as_server;
    plain_write (fd, greeting, sizeof greeting);
    plain_read (fd, theirs, sizeof theirs);
}

#endif
