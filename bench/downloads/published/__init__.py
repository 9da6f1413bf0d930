"""What the publishers of files say of them, by kind: addresses, sizes, hashes, licences."""
