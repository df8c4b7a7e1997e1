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

    /// <summary>Records whose pixels follow from their label, so that a shifted read shows.</summary>
    internal static byte[] Records(int head, params int[] labels) =>
        [.. labels.SelectMany(label => Enumerable.Repeat((byte)label, 1).Prepend((byte)7).TakeLast(head).Concat(Enumerable.Range(0, 3072).Select(p => (byte)((p * 13) + label))))];
}
