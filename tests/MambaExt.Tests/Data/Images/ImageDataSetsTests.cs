using MambaExt.Data;
using MambaExt.Data.Images;
using MambaExt.Tests.Shared;
using TorchSharp;
using Xunit;

namespace MambaExt.Tests.Data.Images;

public sealed class ImageDataSetsTests : TensorTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    void IDisposable.Dispose()
    {
        _folder.Dispose();
        Dispose();
    }

    [Fact]
    public void Digits_come_with_the_library()
    {
        ImageDataSet digits = ImageDataSets.Load("digits");
        Assert.Equal("digits, official: 1,347 train, 450 test, 1x8x8, 10 classes", digits.Summary);
        Assert.True(digits.Test.ByClass(10).Min(samples => samples.Length) >= 40);
        using torch.Tensor first = digits.Train.Gather([0]);
        float[] zero = [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0];
        Assert.All(Enumerable.Range(0, 16), p => Assert.Equal(zero[p] / 16, first.flatten()[p].item<float>(), 0.002f));
        Assert.Equal(0, digits.Train.Labels[0]);

        // Nearest class mean on the pixels: a shifted or mixed-up reading falls far below this.
        Assert.InRange(NearestClassMean(digits), 0.86, 0.93);
        Assert.Throws<ArgumentException>(() => ImageDataSets.Load("digits", null, new ImageLoadOptions { TestFile = "x" }));
    }

    [Fact]
    public void Mnist_is_the_published_one()
    {
        ImageDataSet mnist = ImageDataSets.Load("MNIST", SharedData.Require("data", "images"));
        Assert.Equal("mnist, official: 60,000 train, 10,000 test, 1x28x28, 10 classes", mnist.Summary);
        Assert.Equal([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949], mnist.Train.ByClass(10).Select(samples => samples.Length));
        Assert.Equal([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009], mnist.Test.ByClass(10).Select(samples => samples.Length));
        var pixels = ImageNormalization.Of(mnist.Train);
        Assert.Equal((0.1307, 0.3081), (Math.Round(pixels.Mean[0], 4), Math.Round(pixels.Deviation[0], 4)));
        Assert.InRange(NearestClassMean(mnist), 0.82, 0.825); // 82.03 %, a well-known figure
    }

    [Fact]
    public void A_part_of_Cifar_is_read_as_a_variant()
    {
        ImageDataSet cifar = ImageDataSets.Load("cifar-10", SharedData.Require("data", "images"));
        Assert.Equal("cifar10, unofficial: 12,000 train, 3,000 test, 3x32x32, 10 classes", cifar.Summary);
        Assert.All(cifar.Train.ByClass(10), samples => Assert.Equal(1200, samples.Length));
        var pixels = ImageNormalization.Of(cifar.Train);
        Assert.Equal([0.4935, 0.4834, 0.4475], pixels.Mean.Select(m => Math.Round(m, 4)));
        Assert.Equal([0.2457, 0.2438, 0.2615], pixels.Deviation.Select(d => Math.Round(d, 4)));
        using torch.Tensor batch = cifar.Train.Gather([.. Enumerable.Range(0, 12_000)], pixels), mean = batch.mean([0, 2, 3]), deviation = batch.std([0, 2, 3], false);
        Assert.All(mean.data<float>().ToArray(), m => Assert.InRange(m, -1e-4, 1e-4));
        Assert.All(deviation.data<float>().ToArray(), d => Assert.InRange(d, 0.9999, 1.0001));
    }

    [Fact]
    public void A_part_of_Cifar_100_has_fine_labels()
    {
        ImageDataSet cifar = ImageDataSets.Load("cifar100", SharedData.Require("data", "fscil"));
        Assert.Equal("cifar100, unofficial: 11,500 train, 4,000 test, 3x32x32, 100 classes", cifar.Summary);
        string folder = SharedData.Require("data", "fscil", "cifar100");
        Assert.Equal(File.ReadAllLines(Path.Combine(folder, "fine_label_names.txt")), cifar.ClassNames);

        // The files say which folder each record was taken from.
        string[] sources = File.ReadAllLines(Path.Combine(folder, "test_files.txt"));
        Assert.Equal(sources.Select(path => path.Split('/')[1]), cifar.Test.Labels.Select(label => cifar.ClassNames[label]));

        // Nearest class mean by cosine of the base session, less the mean image: the first figure beside the data.
        int[] Numbers(string list) => [.. File.ReadLines(Path.Combine(folder, "index_list", list)).Select(int.Parse)];
        int[] train = Numbers("session_1.txt"), test = Numbers("test_1.txt");
        torch.Tensor pixels = cifar.Train.Gather(train).flatten(1), mean = pixels.mean([0]);
        ILookup<int, long> positions = Enumerable.Range(0, train.Length).ToLookup(i => cifar.Train.Labels[train[i]], i => (long)i);
        torch.Tensor means = torch.nn.functional.normalize(torch.stack([.. Enumerable.Range(0, 60).Select(k => pixels.index_select(0, torch.tensor(positions[k].ToArray())).mean([0]) - mean)]), dim: 1);
        torch.Tensor found = (cifar.Test.Gather(test).flatten(1) - mean).matmul(means.t()).argmax(1);
        Assert.Equal(15.29, 100 * found.eq(cifar.Test.GatherLabels(test)).to_type(torch.ScalarType.Float64).mean().item<double>(), 0.006);
    }

    [Fact]
    public void Sets_of_the_same_file_names_are_told_apart()
    {
        // Neither is published: the folder's name decides; and plain files serve as well as packed ones.
        Write("kmnist", "train-images-idx3-ubyte.gz", 3);
        Write("other", "train-images-idx3-ubyte.gz", 4);
        Assert.Equal(3, ImageDataSets.Load("kmnist", _folder.Path).Train.Count);
        Assert.Equal(DataVariant.Unofficial, ImageDataSets.Load("kmnist", _folder.Path).Variant);
        Refusal.Of<InvalidDataException>(() => ImageDataSets.Load("mnist", _folder.Path), "2 folders", "'" + _folder.File("kmnist"), "name the one to use");
        Write("plain", "train-images.idx3-ubyte", 5);
        Assert.Equal(5, ImageDataSets.Load("fashion-mnist", Path.Combine(_folder.Path, "plain")).Train.Count);
    }

    [Fact]
    public void Published_files_of_another_set_are_not_taken_for_it()
    {
        string mnist = SharedData.Require("data", "images", "mnist");
        Refusal.Of<FileNotFoundException>(() => ImageDataSets.Load("fashion-mnist", mnist), "fashion-mnist", "those of mnist", mnist);
    }

    [Fact]
    public void A_test_file_takes_the_place_of_the_test_part()
    {
        File.WriteAllBytes(_folder.File("data", "data_batch_1.bin"), CifarFileTests.Records(1, 1, 2));
        File.WriteAllBytes(_folder.File("data", "data_batch_2.bin"), CifarFileTests.Records(1, 3));
        File.WriteAllBytes(_folder.File("data", "test_batch.bin"), CifarFileTests.Records(1, 4));
        File.WriteAllBytes(_folder.File("own", "mine.bin"), CifarFileTests.Records(1, 5, 6));
        string data = Path.Combine(_folder.Path, "data");
        Assert.Equal([1, 2, 3], ImageDataSets.Load("cifar10", data).Train.Labels);
        ImageDataSet own = ImageDataSets.Load("cifar10", data, new ImageLoadOptions { TestFile = _folder.File("own", "mine.bin") });
        Assert.Equal([5, 6], own.Test.Labels);
        Assert.False(own.IsOfficial);
        Write("idx", "train-images-idx3-ubyte", 3);
        Write("more", "train-images-idx3-ubyte.gz", 2);
        Assert.Equal(2, ImageDataSets.Load("mnist", _folder.File("idx"), new ImageLoadOptions { TestFile = _folder.File("more", "train-images-idx3-ubyte.gz") }).Test.Count);
        Refusal.Of<ArgumentException>(() => ImageDataSets.Load("mnist", _folder.File("idx"), new ImageLoadOptions { TestFile = _folder.File("mine.bin") }), "mine.bin", "has no 'images' in it");
    }

    [Fact]
    public void Any_set_can_be_brought_to_a_size()
    {
        ImageDataSet digits = ImageDataSets.Load("digits", null, new ImageLoadOptions { Size = new ImageSize(16, 16) });
        Assert.Equal("digits, official: 1,347 train, 450 test, 1x16x16, 10 classes", digits.Summary);
        using torch.Tensor small = ImageDataSets.Load("digits").Train.Gather([5, 9]), large = digits.Train.Gather([5, 9]);
        using torch.Tensor expected = torch.nn.functional.interpolate(small, size: [16, 16], mode: torch.InterpolationMode.Bilinear, align_corners: false);
        TensorAssert.Close(expected, large, 0.5 / 255);
        Refusal.Of<ArgumentException>(() => ImageDataSets.Load("digits", null, new ImageLoadOptions { Whole = true }), "digits", "no paths");
    }

    [Fact]
    public void Unlike_parts_and_labels_are_refused()
    {
        Write("a", "train-images-idx3-ubyte", 3);
        File.WriteAllBytes(_folder.File("a", "t10k-labels-idx1-ubyte"), IdxFileTests.File([0, 0, 8, 1], 2, [0, 1]));
        Refusal.Of<InvalidDataException>(() => ImageDataSets.Load("mnist", _folder.Path), "t10k-labels-idx1-ubyte, offset 4", "2 labels", "3 images");
        File.WriteAllBytes(_folder.File("a", "t10k-labels-idx1-ubyte"), IdxFileTests.File([0, 0, 8, 1], 3, [0, 1, 10]));
        Refusal.Of<InvalidDataException>(() => ImageDataSets.Load("mnist", _folder.Path), "offset 10", "label 10", "0 to 9");
        Refusal.Of<ArgumentException>(() => ImageDataSets.Find("fasion-mnist"), "fasion-mnist", "did you mean fashion-mnist?");
        Refusal.Of<FileNotFoundException>(() => ImageDataSets.Load("cifar10", _folder.Path), "cifar-10-binary.tar.gz", _folder.Path);
        _folder.Write("b", "data_batch_1.bin");
        Refusal.Of<FileNotFoundException>(() => ImageDataSets.Load("cifar10", _folder.Path), "lacks test_batch.bin");
    }

    [Fact]
    public void Gather_keeps_the_order_and_checks_indices()
    {
        var images = new MemoryImages([0, 51, 102, 153, 204, 255], 1, new ImageSize(1, 2), [2, 1, 0]);
        using torch.Tensor batch = images.Gather([2, 0, 2], new ImageNormalization([0.2f], [0.4f])), labels = images.GatherLabels([2, 0, 2]);
        Assert.Equal([3, 1, 1, 2], batch.shape);
        Assert.Equal([1.5f, 2f, -0.5f, 0f, 1.5f, 2f], batch.data<float>().ToArray().Select(v => MathF.Round(v, 6)));
        Assert.Equal([0L, 2, 0], labels.data<long>().ToArray());
        Refusal.Of<ArgumentOutOfRangeException>(() => images.Gather([3]).Dispose(), "no image 3", "0 to 2");
        Refusal.Of<ArgumentException>(() => images.Gather([0], ImageNormalization.ImageNet).Dispose(), "3 means", "1 channels");
    }

    private void Write(string folder, string trainImages, int count)
    {
        foreach (string part in new[] { "train", "t10k" })
        {
            byte[] images = [0, 0, 8, 3, 0, 0, 0, (byte)count, 0, 0, 0, 2, 0, 0, 0, 2, .. new byte[4 * count]], labels = IdxFileTests.File([0, 0, 8, 1], count, new byte[count]);
            string name = trainImages.Replace("train", part, StringComparison.Ordinal);
            bool packed = name.EndsWith(".gz", StringComparison.Ordinal);
            File.WriteAllBytes(_folder.File(folder, name), packed ? IdxFileTests.Packed(images) : images);
            File.WriteAllBytes(_folder.File(folder, name.Replace("images", "labels", StringComparison.Ordinal).Replace("idx3", "idx1", StringComparison.Ordinal)), packed ? IdxFileTests.Packed(labels) : labels);
        }
    }

    private static double NearestClassMean(ImageDataSet data)
    {
        torch.Tensor train = data.Train.GatherAll().flatten(1), test = data.Test.GatherAll().flatten(1);
        torch.Tensor means = torch.stack([.. data.Train.ByClass(data.ClassCount).Select(samples => train.index_select(0, torch.tensor(samples)).mean([0]))]);
        int[] nearest = [.. torch.cdist(test, means).argmin(1).data<long>().ToArray().Select(k => (int)k)];
        return nearest.Zip(data.Test.Labels).Count(pair => pair.First == pair.Second) / (double)data.Test.Count;
    }
}
