using System.IO.Compression;
using CsCheck;
using MambaExt.Data.Images;
using MambaExt.Tests.Shared;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace MambaExt.Tests.Data.Images;

public sealed class OmniglotTests : TensorTests
{
    [Fact]
    public void The_last_five_of_twenty_drawers_are_to_test_on()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("images_background.zip"), Archive(
        [
            .. from character in new[] { "Greek/character02", "Greek/character01", "Anglo/character01" } from drawer in Enumerable.Range(1, 20)
               select ($"images_background/{character}/07_{drawer:d2}.png", Pictures.Encode(40, 40, blue: 255)),
        ]));
        ImageDataSet data = ImageDataSets.Load("omniglot", folder.Path, new ImageLoadOptions { Size = new ImageSize(10, 10) });
        Assert.Equal("omniglot, unverified: 45 train, 15 test, 1x10x10, 3 classes", data.Summary);
        Assert.Equal(["Anglo/character01", "Greek/character01", "Greek/character02"], data.ClassNames);
        Assert.Equal(("images_background/Anglo/character01/07_16.png", 0), (data.Test.Name(0), data.Test.Labels[0]));

        // Light to the right and below, and ink counts: the first pixel is the greatest.
        using Tensor image = data.Train.Gather([0]).flatten();
        Assert.Equal(0, image.argmax().item<long>());
        Assert.Equal(1 - (0.114 + (((0.299 * 255 * 1.5 / 40) + (0.587 * 200 * 1.5 / 40)) / 255)), image[0].item<float>(), 0.01);
        Refusal.Of<ArgumentException>(() => ImageDataSets.Load("omniglot", folder.Path, new ImageLoadOptions { TestFile = "x" }), "takes no test file");
    }

    [Fact]
    public void Lists_choose_from_the_whole()
    {
        string lists = SharedData.Require("data", "fscil", "omniglot", "index_list");
        ImageDataSet data = ImageDataSets.Load("omniglot", SharedData.Require("data", "fscil"), new ImageLoadOptions { Whole = true });
        Assert.Equal((19_280, 19_280, 964, "Alphabet_of_the_Magi/character01"), (data.Train.Count, data.Test.Count, data.ClassCount, data.ClassNames[0]));
        Assert.All(data.Train.ByClass(964), samples => Assert.Equal(20, samples.Length));
        var number = Enumerable.Range(0, data.Train.Count).ToDictionary(data.Train.Name);
        int[] train = [.. File.ReadLines(Path.Combine(lists, "session_1.txt")).Select(line => number[line])], test = [.. File.ReadLines(Path.Combine(lists, "test_1.txt")).Select(line => number[line])];

        // Nearest class mean by cosine on the pixels, the first of the figures beside the data.
        int[] classes = [.. train.Select(i => data.Train.Labels[i]).Distinct()];
        Tensor pixels = data.Train.Gather(train).flatten(1), labels = data.Train.GatherLabels(train);
        Tensor means = nn.functional.normalize(stack([.. classes.Select(k => pixels[labels.eq(k)].mean([0]))]), dim: 1);
        long[] found = nn.functional.normalize(data.Test.Gather(test).flatten(1), dim: 1).matmul(means.t()).argmax(1).data<long>().ToArray();
        double accuracy = 100.0 * found.Zip(test).Count(pair => classes[pair.First] == data.Test.Labels[pair.Second]) / test.Length;
        Assert.Equal(25.03, accuracy, 0.04); // one image of 3,020
    }

    [Fact]
    public void Damaged_archives_are_refused()
    {
        byte[] archive = Archive(("images_background/Greek/character01/0001_01.png", Pictures.Encode(9, 9)), ("images_background/Greek/character02/0002_16.png", Pictures.Encode(9, 9)), ("images_background/readme.txt", [1, 2, 3]));
        void Read(byte[] bytes) => ZipImages.Read(new MemoryStream(bytes), "o.zip", 1, path => path.Split('/') is [_, var a, var c, _] ? a + c : null, out _);
        Read(archive);
        Refusal.Of<InvalidDataException>(() => Read(archive[..^30]), "o.zip", "damaged zip archive");
        Refusal.Of<InvalidDataException>(() => Read(Archive(("a.txt", [1]))), "o.zip", "no image");
        Refusal.Of<InvalidDataException>(() => Read(Archive(("x/a/b/1_01.png", new byte[5 << 20]))), "'x/a/b/1_01.png' of 5242880 bytes");
        HostileBytes.Of([.. archive.Reverse()], 300).Sample(bytes => HostileBytes.ReadsOrRefuses([.. bytes.Reverse()], Read), iter: 1500);
    }

    private static byte[] Archive(params (string Name, byte[] Bytes)[] entries)
    {
        var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] bytes) in entries)
            {
                using Stream to = zip.CreateEntry(name).Open();
                to.Write(bytes);
            }
        }

        return stream.ToArray();
    }
}
