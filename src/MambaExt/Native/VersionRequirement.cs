using System.Buffers.Binary;
using System.Text;

namespace MambaExt.Native;

/// <summary>
/// TorchSharp 0.107's Linux library names <c>GLIBCXX_3.4.32</c> for one symbol, <c>std::ios_base_library_init()</c>, which nothing
/// in it calls: GCC 13's &lt;iostream&gt; mentions it only to demand a new enough libstdc++. Marking that requirement weak in the
/// ELF table of needed versions (a flag the loader of glibc honours) lets the library load where libstdc++ is older.
/// </summary>
internal static class VersionRequirement
{
    private const uint SectionOfNeededVersions = 0x6ffffffe;
    private const ushort WeakFlag = 2;

    /// <summary>Returns <paramref name="elf"/> with version <paramref name="version"/> marked weak, or null if it is not a 64-bit
    /// little-endian ELF file that asks for it.</summary>
    public static byte[]? MarkWeak(byte[] elf, string version)
    {
        try
        {
            return Mark(elf, Encoding.ASCII.GetBytes(version + "\0")) ? elf : null;
        }
        catch (ArgumentOutOfRangeException)
        {
            // A table that points outside the file: not a library this can help.
            return null;
        }
    }

    private static bool Mark(byte[] elf, byte[] version)
    {
        if (elf.Length < 64 || !elf.AsSpan(0, 6).SequenceEqual((ReadOnlySpan<byte>)[0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1]))
        {
            return false;
        }

        bool marked = false;
        long sections = (long)BinaryPrimitives.ReadUInt64LittleEndian(elf.AsSpan(0x28));
        int size = U16(elf, 0x3A), count = U16(elf, 0x3C);
        for (int i = 0; i < count; i++)
        {
            long header = sections + (long)i * size;
            if (U32(elf, header + 4) != SectionOfNeededVersions)
            {
                continue;
            }

            long strings = U64(elf, sections + U32(elf, header + 0x28) * (long)size + 0x18);
            long need = U64(elf, header + 0x18);
            for (uint left = U32(elf, header + 0x2C); left > 0; left--)
            {
                long entry = need + U32(elf, need + 8);
                for (int entries = U16(elf, need + 2); entries > 0; entries--)
                {
                    long name = strings + U32(elf, entry + 8);
                    if (elf.AsSpan(checked((int)name)).StartsWith(version))
                    {
                        ushort flags = (ushort)(U16(elf, entry + 4) | WeakFlag);
                        BinaryPrimitives.WriteUInt16LittleEndian(elf.AsSpan(checked((int)(entry + 4))), flags);
                        marked = true;
                    }

                    entry += U32(elf, entry + 12);
                }

                need += U32(elf, need + 12);
            }
        }

        return marked;
    }

    private static ushort U16(byte[] elf, long at) => BinaryPrimitives.ReadUInt16LittleEndian(elf.AsSpan(checked((int)at)));

    private static uint U32(byte[] elf, long at) => BinaryPrimitives.ReadUInt32LittleEndian(elf.AsSpan(checked((int)at)));

    private static long U64(byte[] elf, long at) => (long)BinaryPrimitives.ReadUInt64LittleEndian(elf.AsSpan(checked((int)at)));
}
