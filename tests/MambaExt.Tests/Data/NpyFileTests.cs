using System.Text;
using CsCheck;
using MambaExt.Data;
using Xunit;

namespace MambaExt.Tests.Data;

public sealed class NpyFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mambaext").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>A version 1 file put together by hand.</summary>
    public static byte[] File(string header, byte[] payload, byte version = 1) =>
    [
        0x93, .. "NUMPY"u8, version, 0,
        .. version == 1 ? BitConverter.GetBytes((ushort)header.Length) : BitConverter.GetBytes(header.Length),
        .. Encoding.Latin1.GetBytes(header), .. payload,
    ];

    [Fact]
    public void Write_then_read_gives_back_every_number_type()
    {
        Check(NpyArray.Of<bool>([true, false], 2));
        Check(NpyArray.Of<sbyte>([-1, 2], 2, 1));
        Check(NpyArray.Of<short>([-300, 2], 1, 2));
        Check(NpyArray.Of<int>([-70000]));
        Check(NpyArray.Of<long>([long.MinValue, long.MaxValue], 2));
        Check(NpyArray.Of<byte>([255], 1));
        Check(NpyArray.Of<ushort>([65535], 1));
        Check(NpyArray.Of<uint>([uint.MaxValue], 1));
        Check(NpyArray.Of<ulong>([ulong.MaxValue], 1));
        Check(NpyArray.Of<Half>([(Half)0.5], 1));
        Check(NpyArray.Of<float>([1.5f, float.NaN, 3, 4, 5, 6], 1, 2, 3));
        Check(NpyArray.Of<double>([], 0, 7));
    }

    [Fact]
    public void Write_then_parse_is_the_identity_for_random_arrays() =>
        Gen.Double.Array[0, 50].Sample(values =>
        {
            string path = Path.Combine(folder, $"{Guid.NewGuid():N}");
            NpyFile.Write(path, NpyArray.Of<double>(values, values.Length));
            Assert.Equal(values, NpyFile.Read(path).ToDoubles());
        }, iter: 50);

    [Theory]
    [InlineData("{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }")]
    [InlineData("{'shape':(2,3),'fortran_order':False,'descr':'=i4'}   \n")]
    [InlineData("{\"descr\": \"<i4\", \"fortran_order\": False, \"shape\": (2L, 3L), }")]
    public void Parse_of_headers_as_other_versions_write_them(string header)
    {
        byte[] payload = [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0];
        foreach (byte version in new byte[] { 1, 2, 3 })
        {
            NpyArray array = NpyFile.Parse(File(header, payload, version));
            Assert.Equal([2, 3], array.Shape.ToArray());
            Assert.Equal([1, 2, 3, 4, 5, 6], array.ToInts());
            Assert.Equal([1f, 2, 3, 4, 5, 6], array.ToFloats());
        }
    }

    [Fact]
    public void Parse_of_fortran_order_gives_rows()
    {
        // Element (i, j, k) of shape (2, 3, 4) is 100 i + 10 j + k, stored with i running fastest.
        byte[] payload = [.. from k in Enumerable.Range(0, 4) from j in Enumerable.Range(0, 3) from i in Enumerable.Range(0, 2) select (byte)((100 * i) + (10 * j) + k)];
        int[] rows = NpyFile.Parse(File("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4), }", payload)).ToInts();
        Assert.Equal(from i in Enumerable.Range(0, 2) from j in Enumerable.Range(0, 3) from k in Enumerable.Range(0, 4) select (100 * i) + (10 * j) + k, rows);
    }

    [Fact]
    public void Parse_of_big_endian_swaps_each_width()
    {
        Assert.Equal([0x0102], NpyFile.Parse(File("{'descr': '>i2', 'fortran_order': False, 'shape': (1,), }", [1, 2])).ToInts());
        Assert.Equal([1.0f], NpyFile.Parse(File("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", [0x3F, 0x80, 0, 0])).ToFloats());
        Assert.Equal([1.0], NpyFile.Parse(File("{'descr': '>f8', 'fortran_order': False, 'shape': (1,), }", [0x3F, 0xF0, 0, 0, 0, 0, 0, 0])).ToDoubles());
        Assert.Equal(["aé"], NpyFile.Parse(File("{'descr': '>U2', 'fortran_order': False, 'shape': (1,), }", [0, 0, 0, 0x61, 0, 0, 0, 0xE9])).ToStrings());
    }

    [Fact]
    public void ToStrings_drops_the_padding()
    {
        Assert.Equal(["ab", ""], NpyFile.Parse(File("{'descr': '<U2', 'fortran_order': False, 'shape': (2,), }", [0x61, 0, 0, 0, 0x62, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])).ToStrings());
        Assert.Equal(["ab\u00FF", "c"], NpyFile.Parse(File("{'descr': '|S3', 'fortran_order': False, 'shape': (2,), }", [0x61, 0x62, 0xFF, 0x63, 0, 0])).ToStrings());
    }

    [Theory]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 8, "8 bytes for shape (3) of <f4")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", 0, "bytes for shape")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4, 0), }", 0, "bytes for shape")]
    [InlineData("{'descr': '<U0', 'fortran_order': False, 'shape': (8,), }", 8, "8 bytes for shape")]
    [InlineData("{'descr': '|b1', 'fortran_order': False, 'shape': (1,), }", 1, "the bool 9")]
    [InlineData("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", 8, "dtype of b1")]
    [InlineData("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4, "the header '[('a'")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 4, "the header '-1")]
    [InlineData("{'descr': '<f4', 'fortran_order': __import__('os'), 'shape': (1,), }", 4, "the header '__import__")]
    [InlineData("{'descr': '<f4', 'shape': (1,), }", 4, "the header")]
    [InlineData("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 4, "the header")]
    [InlineData("{'descr': '|O', 'fortran_order': False, 'shape': (), }", 4, "opcode 0x09")]
    public void Parse_of_a_broken_file_says_what_is_wrong(string header, int bytes, string expected)
    {
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => NpyFile.Parse(File(header, [.. Enumerable.Repeat((byte)9, bytes)]), "x.npy"));
        Assert.StartsWith("x.npy, offset ", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Accessors_of_another_kind_or_range_are_refused()
    {
        Assert.Throws<InvalidDataException>(() => NpyArray.Of<float>([1f], 1).ToLongs());
        Assert.Throws<InvalidDataException>(() => NpyArray.Of<long>([1L << 31], 1).ToInts());
        Assert.Throws<InvalidDataException>(() => NpyArray.Of<ulong>([1UL << 63], 1).ToLongs());
        Assert.Throws<InvalidDataException>(() => NpyArray.Of<byte>([2], 1).ToBools());
        Assert.Throws<InvalidDataException>(() => NpyArray.Of<byte>([2], 1).ToStrings());
        Assert.Throws<InvalidDataException>(() => _ = NpyArray.Of<byte>([2], 1).Object);
        Assert.Equal([true, false], NpyArray.Of<byte>([1, 0], 2).ToBools());
        Assert.Equal([-128f, 127f], NpyArray.Of<sbyte>([-128, 127], 2).ToFloats());
    }

    [Fact]
    public void Read_of_a_missing_file_names_it() =>
        Assert.Contains("nowhere.npy", Assert.Throws<FileNotFoundException>(() => NpyFile.Read("nowhere.npy")).Message, StringComparison.Ordinal);

    private void Check(NpyArray array)
    {
        string path = Path.Combine(folder, "array.npy");
        NpyFile.Write(path, array);
        NpyArray read = NpyFile.Read(path);
        Assert.Equal(array.Type, read.Type);
        Assert.Equal(array.Shape.ToArray(), read.Shape.ToArray());
        Assert.Equal(array.Data.ToArray(), read.Data.ToArray());
        Assert.Equal(0, (new FileInfo(path).Length - array.Data.Length) % 64);
    }
}
