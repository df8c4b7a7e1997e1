using System.IO.Compression;
using MambaExt.Data.Images;
using MambaExt.Tests.Shared;
using Xunit;

namespace MambaExt.Tests.Data.Images;

public sealed class IdxFileTests
{
    [Fact]
    public void Extents_are_big_endian_and_values_follow()
    {
        IdxArray array = IdxFile.Parse(new MemoryStream([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 250]));
        Assert.Equal([2, 3], array.Shape);
        Assert.Equal([1, 2, 3, 4, 5, 250], array.Data);
    }

    [Fact]
    public void Gzip_is_recognised_by_its_mark_and_large_files_come_whole()
    {
        byte[] values = [.. Enumerable.Range(0, 3_000_000).Select(i => (byte)(i * 7))];
        byte[] plain = File([0, 0, 8, 1], 3_000_000, values);
        Assert.Equal(values, IdxFile.Parse(new MemoryStream(plain)).Data);
        Assert.Equal(values, IdxFile.Parse(new MemoryStream(Packed(plain))).Data);
    }

    [Theory]
    [InlineData("0000080100000002", "the end after 0 values")]
    [InlineData("000008010000000201", "the end after 1 values")]
    [InlineData("0000080100000001FFFF", "more bytes")]
    [InlineData("00000D0100000000", "bytes 00000D01")]
    [InlineData("0000080000", "bytes 00000800")]
    [InlineData("00000803000000010000", "an end within the extents")]
    [InlineData("00000801FFFFFFFF", "an extent of 4294967295")]
    [InlineData("0000080300010000000100000001000001", "an extent of 65536")]
    [InlineData("0000", "2 bytes")]
    [InlineData("", "0 bytes")]
    public void Damaged_files_are_refused_in_both_forms(string hex, string words)
    {
        byte[] bytes = Convert.FromHexString(hex);
        Assert.Contains(words, Assert.Throws<InvalidDataException>(() => IdxFile.Parse(new MemoryStream(bytes), "x.idx")).Message, StringComparison.Ordinal);
        string packed = Assert.Throws<InvalidDataException>(() => IdxFile.Parse(new MemoryStream(Packed(bytes)), "x.gz")).Message;
        Assert.StartsWith("x.gz, offset ", packed, StringComparison.Ordinal);
        Assert.Contains("allowed is", packed, StringComparison.Ordinal);
    }

    [Fact]
    public void Hostile_files_are_read_or_refused()
    {
        byte[] plain = File([0, 0, 8, 1], 500, new byte[500]);
        void Read(byte[] bytes) => IdxFile.Parse(new MemoryStream(bytes), "x");
        CsCheck.Check.Sample(HostileBytes.Of(plain, 12), bytes => HostileBytes.ReadsOrRefuses(bytes, Read), iter: 3000);
        CsCheck.Check.Sample(HostileBytes.Of(Packed(plain), 20), bytes => HostileBytes.ReadsOrRefuses(bytes, Read), iter: 3000);
    }

    [Fact]
    public void A_small_file_cannot_claim_a_large_size()
    {
        // A kilobyte of zeros inside, a gigabyte on the label: what is taken grows with what comes.
        byte[] packed = Packed(File([0, 0, 8, 1], 1_000_000_000, new byte[1 << 20]));
        HostileBytes.ReadsOrRefuses(packed, bytes => IdxFile.Parse(new MemoryStream(bytes), "bomb"));
    }

    internal static byte[] File(byte[] mark, int extent, byte[] values) =>
        [.. mark, (byte)(extent >> 24), (byte)(extent >> 16), (byte)(extent >> 8), (byte)extent, .. values];

    internal static byte[] Packed(byte[] bytes)
    {
        var to = new MemoryStream();
        using (var gzip = new GZipStream(to, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        return to.ToArray();
    }
}
