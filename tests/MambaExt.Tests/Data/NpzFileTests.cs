using System.IO.Compression;
using MambaExt.Data;
using Xunit;

namespace MambaExt.Tests.Data;

public sealed class NpzFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mambaext").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Write_then_read_gives_back_every_array(bool deflate)
    {
        string path = Path.Combine(folder, "a.npz"), again = Path.Combine(folder, "b.npz");
        (string, NpyArray)[] arrays = [("x", NpyArray.Of<float>([.. Enumerable.Range(0, 3000).Select(i => (float)i)], 1000, 3)), ("y", NpyArray.Of<long>([7]))];

        NpzFile.Write(path, arrays, deflate);
        NpzFile.Write(again, arrays, deflate);

        using NpzFile file = NpzFile.Open(path);
        Assert.Equal(["x", "y"], file.Keys);
        Assert.Equal([1000, 3], file["x"].Shape.ToArray());
        Assert.Equal(2999f, file["x"].ToFloats()[^1]);
        Assert.Equal([7], file["y"].ToLongs());
        Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(again));
        Assert.Equal(2, Directory.GetFiles(folder).Length);
        Assert.Contains("it has x, y", Assert.Throws<KeyNotFoundException>(() => file["z"]).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_of_a_zip_bomb_is_refused_by_its_declared_size()
    {
        string path = Path.Combine(folder, "bomb.npz");
        NpzFile.Write(path, [("x", NpyArray.Of<byte>(new byte[1 << 20], 1 << 20)), ("y", NpyArray.Of<byte>(new byte[1 << 20], 1 << 20))]);
        Assert.InRange(new FileInfo(path).Length, 0, 10_000);
        Assert.Contains("raise the limit", Assert.Throws<InvalidDataException>(() => NpzFile.Open(path, limit: 2_000_000)).Message, StringComparison.Ordinal);
        NpzFile.Open(path, limit: 3_000_000).Dispose();
    }

    [Theory]
    [InlineData(0x7F00_0000u)]
    [InlineData(100u)]
    public void Read_of_an_entry_with_a_false_size_is_refused_without_its_memory(uint declared)
    {
        string path = Path.Combine(folder, "false.npz");
        NpzFile.Write(path, [("x", NpyArray.Of<byte>(new byte[5000], 5000))]);
        byte[] bytes = File.ReadAllBytes(path);
        int directory = bytes.AsSpan().LastIndexOf("PK\u0001\u0002"u8);
        BitConverter.GetBytes(declared).CopyTo(bytes, directory + 24);

        long before = GC.GetAllocatedBytesForCurrentThread();
        using NpzFile file = NpzFile.Open(new MemoryStream(bytes), "false.npz");
        Assert.Throws<InvalidDataException>(() => file["x"]);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void Read_of_an_entry_with_a_changed_byte_is_refused_by_its_checksum()
    {
        string path = Path.Combine(folder, "changed.npz");
        NpzFile.Write(path, [("x", NpyArray.Of<byte>(new byte[500], 500))], deflate: false);
        byte[] bytes = File.ReadAllBytes(path);
        bytes[400] ^= 1;
        using NpzFile file = NpzFile.Open(new MemoryStream(bytes), "changed.npz");
        Assert.Contains("checksum", Assert.Throws<InvalidDataException>(() => file["x"]).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_of_two_entries_of_one_name_is_refused()
    {
        MemoryStream stream = new();
        using (ZipArchive zip = new(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            zip.CreateEntry("x.npy");
            zip.CreateEntry("x");
        }

        Assert.Contains("'x' twice", Assert.Throws<InvalidDataException>(() => NpzFile.Open(stream, "two.npz")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_of_a_missing_file_names_it() =>
        Assert.Contains("nowhere.npz", Assert.Throws<FileNotFoundException>(() => NpzFile.Open("nowhere.npz")).Message, StringComparison.Ordinal);
}
