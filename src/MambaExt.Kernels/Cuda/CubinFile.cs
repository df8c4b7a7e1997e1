using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MambaExt.Kernels.Cuda;

/// <summary>
/// An image in the cache folder: 8 bytes that name the format, SHA-256 of all that follows, the 32 bytes of the key, the lengths of symbol
/// and log (4 bytes each, little-endian), then symbol, log and image. A driver takes an image on trust, so nothing but what was written is handed on.
/// </summary>
internal static class CubinFile
{
    private const int HashBytes = 32;
    private const int Head = 8 + HashBytes + HashBytes + 4 + 4;
    private const long Most = 64L << 20;

    private static ReadOnlySpan<byte> Format => "mbxcubn1"u8;

    /// <summary>Writes a file of the cache.</summary>
    public static void Write(Stream stream, ReadOnlySpan<byte> key, CompiledKernel kernel)
    {
        byte[] symbol = Encoding.UTF8.GetBytes(kernel.Symbol), log = Encoding.UTF8.GetBytes(kernel.Log);
        byte[] head = new byte[Head];
        Format.CopyTo(head);
        key.CopyTo(head.AsSpan(8 + HashBytes));
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(Head - 8), symbol.Length);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(Head - 4), log.Length);
        byte[] all = [.. head, .. symbol, .. log, .. kernel.Image];
        SHA256.HashData(all.AsSpan(8 + HashBytes), all.AsSpan(8, HashBytes));
        stream.Write(all);
    }

    /// <summary>Reads a file of the cache.</summary>
    /// <returns>Null where it is another key's or damaged in any way.</returns>
    public static CompiledKernel? Read(Stream stream, ReadOnlySpan<byte> key)
    {
        if (stream.Length is < Head or > Most)
        {
            return null;
        }

        byte[] all = new byte[stream.Length];
        if (stream.ReadAtLeast(all, all.Length, throwOnEndOfStream: false) < all.Length
            || !all.AsSpan(0, 8).SequenceEqual(Format)
            || !all.AsSpan(8, HashBytes).SequenceEqual(SHA256.HashData(all.AsSpan(8 + HashBytes)))
            || !all.AsSpan(8 + HashBytes, HashBytes).SequenceEqual(key))
        {
            return null;
        }

        int symbol = BinaryPrimitives.ReadInt32LittleEndian(all.AsSpan(Head - 8)), log = BinaryPrimitives.ReadInt32LittleEndian(all.AsSpan(Head - 4));
        return symbol < 0 || log < 0 || (long)symbol + log >= all.Length - Head ? null
            : new(Encoding.UTF8.GetString(all, Head, symbol), all[(Head + symbol + log)..], Encoding.UTF8.GetString(all, Head + symbol, log));
    }
}
