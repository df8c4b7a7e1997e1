using MambaExt.Data.Images;
using MambaExt.Tests.Shared;
using Xunit;

namespace MambaExt.Tests.Data.Images;

public sealed class CifarFileTests
{
    [Fact]
    public void Records_of_several_files_lie_end_to_end()
    {
        MemoryImages images = CifarFile.Join([("a", Records(1, 3, 9)), ("b", Records(1, 0))], 10);
        Assert.Equal((3, 3, new ImageSize(32, 32)), (images.Count, images.Channels, images.Size!.Value));
        Assert.Equal([3, 9, 0], images.Labels);
        byte[] scratch = [];
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(Enumerable.Range(0, 3072).Select(p => (byte)((p * 13) + images.Labels[i])), images.Read(i, ref scratch).Pixels.ToArray());
        }
    }

    [Fact]
    public void Of_two_labels_the_fine_one_counts() => Assert.Equal([99, 42], CifarFile.Join([("a", Records(2, 99, 42))], 100).Labels);

    [Fact]
    public void Damaged_files_are_refused()
    {
        Refusal.Of<InvalidDataException>(() => CifarFile.Join([("a", Records(1, 3)[..^1])], 10), "a, offset 0", "3072 bytes after 0 records", "3073");
        Refusal.Of<InvalidDataException>(() => CifarFile.Join([("a", Records(1, 3)), ("b", [])], 10), "b, offset 0", "an empty file");
        Refusal.Of<InvalidDataException>(() => CifarFile.Join([("a", Records(1, 3, 10))], 10), "offset 3073", "label 10", "0 to 9");
        Refusal.Of<InvalidDataException>(() => CifarFile.Join([("a", Records(2, 100))], 100), "offset 1", "label 100");
    }

    [Fact]
    public void The_published_archive_is_read_as_it_is()
    {
        byte[] archive = Archive(("cifar-10-batches-bin/data_batch_2.bin", Records(1, 7)), ("cifar-10-batches-bin/readme.html", [1]), ("cifar-10-batches-bin/test_batch.bin", Records(1, 4)), ("cifar-10-batches-bin/data_batch_1.bin", Records(1, 5, 6)));
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("cifar-10-binary.tar.gz"), archive);
        ImageDataSet data = ImageDataSets.Load("cifar10", folder.Path);
        Assert.Equal([5, 6, 7], data.Train.Labels);
        Assert.Equal([4], data.Test.Labels);
        Assert.Equal((MambaExt.Data.DataVariant.Unofficial, "cifar-10-binary.tar.gz"), (data.Variant, Assert.Single(data.Files).Name));
        File.WriteAllBytes(folder.File("cifar-10-binary.tar.gz"), Archive(("x/data_batch_1.bin", Records(1, 5, 6))));
        Refusal.Of<InvalidDataException>(() => ImageDataSets.Load("cifar10", folder.Path), "cifar-10-binary.tar.gz", "no test images");
    }

    [Fact]
    public void Hostile_archives_are_read_or_refused()
    {
        byte[] archive = Archive(("a/data_batch_1.bin", Records(1, 5)), ("a/test_batch.bin", Records(1, 4)));
        void Read(byte[] bytes) => CifarArchive.Read(new MemoryStream(bytes), "c.tar.gz");
        CsCheck.Check.Sample(HostileBytes.Of(archive, 40), bytes => HostileBytes.ReadsOrRefuses(bytes, Read), iter: 1000);

        // Inside the compression, where the heads of the tar file lie.
        using var unpacked = new System.IO.Compression.GZipStream(new MemoryStream(archive), System.IO.Compression.CompressionMode.Decompress);
        var tar = new MemoryStream();
        unpacked.CopyTo(tar);
        CsCheck.Check.Sample(HostileBytes.Of(tar.ToArray(), 600), bytes => HostileBytes.ReadsOrRefuses(bytes, b => Read(IdxFileTests.Packed(b))), iter: 2000);
    }

    private static byte[] Archive(params (string Name, byte[] Bytes)[] files)
    {
        var tar = new MemoryStream();
        using (var writer = new System.Formats.Tar.TarWriter(tar, leaveOpen: true))
        {
            foreach ((string name, byte[] bytes) in files)
            {
                writer.WriteEntry(new System.Formats.Tar.UstarTarEntry(System.Formats.Tar.TarEntryType.RegularFile, name) { DataStream = new MemoryStream(bytes) });
            }
        }

        return IdxFileTests.Packed(tar.ToArray());
    }

    /// <summary>Records whose pixels follow from their label, so that a shifted read shows.</summary>
    internal static byte[] Records(int head, params int[] labels) =>
        [.. labels.SelectMany(label => Enumerable.Repeat((byte)label, 1).Prepend((byte)7).TakeLast(head).Concat(Enumerable.Range(0, 3072).Select(p => (byte)((p * 13) + label))))];
}
