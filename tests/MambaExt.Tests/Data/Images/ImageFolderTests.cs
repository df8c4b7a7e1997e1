using MambaExt.Data;
using MambaExt.Data.Images;
using MambaExt.Tests.Shared;
using MambaExt.Vision.Transforms;
using SkiaSharp;
using TorchSharp;
using Xunit;

namespace MambaExt.Tests.Data.Images;

public sealed class ImageFolderTests : TensorTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    void IDisposable.Dispose()
    {
        _folder.Dispose();
        Dispose();
    }

    [Fact]
    public void Subfolders_are_classes_in_the_order_of_their_names()
    {
        Put("pets/dog/b.JPG", "pets/dog/a.png", "pets/Cat/1.jpeg", "pets/bird/deep/er/x.png");
        _folder.Write("pets", "readme.txt");
        _folder.Write("pets", "dog", ".DS_Store");
        ImageDataSet data = ImageDataSets.Load("folder", _folder.File("pets"));
        Assert.Equal(["Cat", "bird", "dog"], data.ClassNames);
        Assert.Equal(["Cat/1.jpeg", "bird/deep/er/x.png", "dog/a.png", "dog/b.JPG"], Enumerable.Range(0, 4).Select(data.Train.Name));
        Assert.Equal([0, 1, 2, 2], data.Train.Labels);
        Assert.Equal("pets, own: 4 train, 0 test, 3xphotographs, 3 classes", data.Summary);
        Assert.Contains("1 files", Assert.Single(data.Notes), StringComparison.Ordinal);
        Assert.Null(data.Size);

        // Each has its own size: only a transform makes a batch of them.
        Assert.Throws<InvalidOperationException>(() => data.Train.Gather([0]));
        Refusal.Of<ArgumentException>(() => _ = new ImageViews(data.Train, new ImagePipeline([new HorizontalFlip()])), "sizes of their own", "RandomResizedCrop");
        using ImageBatch batch = new ImageViews(data.Train, new ImagePipeline([new Resize(12), new CenterCrop(10)])).Batch([3, 0]);
        Assert.Equal([2, 3, 10, 10], batch.Pixels.shape);
        Assert.Equal(40 / 255f, batch.Pixels[0, 2].mean().item<float>(), 0.02f);
    }

    [Fact]
    public void Parts_lie_in_train_and_test()
    {
        Put("data/train/a/1.png", "data/train/b/1.png", "data/test/b/9.png", "more/a/5.png", "more/a/6.png", "odd/c/1.png");
        ImageDataSet data = ImageFolder.Read(_folder.File("data"));
        Assert.Equal((2, 1, "test/b/9.png", 1), (data.Train.Count, data.Test.Count, data.Test.Name(0), data.Test.Labels[0]));
        Assert.Equal([0, 0], ImageFolder.Read(_folder.File("data"), new ImageLoadOptions { TestFile = _folder.File("more") }).Test.Labels);
        Refusal.Of<InvalidDataException>(() => ImageFolder.Read(_folder.File("data"), new ImageLoadOptions { TestFile = _folder.File("odd") }), "'c'", "the same classes");
        ImageDataSet whole = ImageFolder.Read(_folder.File("data"), new ImageLoadOptions { Whole = true });
        Assert.Same(whole.Train, whole.Test);
        Assert.Equal(["train/a/1.png", "train/b/1.png", "test/b/9.png"], Enumerable.Range(0, 3).Select(whole.Train.Name));
        Assert.Equal([0, 1, 1], whole.Train.Labels);
    }

    [Fact]
    public void At_one_size_images_lie_in_memory()
    {
        Put("data/a/1.png", "data/b/1.jpg");
        File.WriteAllBytes(_folder.File("data", "b", "wide.png"), Pictures.Encode(10, 40));
        ImageDataSet data = ImageFolder.Read(_folder.File("data"), new ImageLoadOptions { Size = new ImageSize(5, 5), Channels = 1 });
        Assert.Equal(["a/1.png", "b/1.jpg", "b/wide.png"], Enumerable.Range(0, 3).Select(data.Train.Name));
        Assert.Equal((1, new ImageSize(5, 5)), (data.Channels, data.Size));
        using torch.Tensor wide = data.Train.Gather([2]);

        // The middle ten columns, 15 to 24, in pairs.
        double expected = Enumerable.Range(0, 10).Average(y => (0.299 * Enumerable.Range(15, 10).Average(x => Pictures.Red(x, 40))) + (0.587 * Pictures.Green(y, 10)) + (0.114 * 40)) / 255;
        Assert.Equal(expected, wide.mean().item<float>(), 0.01);
    }

    [Fact]
    public void Damaged_images_are_named_before_anything_starts()
    {
        Put("data/a/1.png", "data/b/1.png");
        File.WriteAllBytes(_folder.File("data", "a", "broken.jpg"), Pictures.Encode(64, 64, SKEncodedImageFormat.Jpeg)[..^200]);
        Refusal.Of<InvalidDataException>(() => ImageFolder.Read(_folder.File("data")), "a/broken.jpg", "cut off", "take it out");
        _folder.Write("data", "b", "text.png");
        Refusal.Of<InvalidDataException>(() => ImageFolder.Read(_folder.File("data")), "2 of 4 images", "'b/text.png' for one", "the first: a/broken.jpg");
        Refusal.Of<InvalidDataException>(() => ImageFolder.Read(_folder.File("data"), new ImageLoadOptions { Size = new ImageSize(8, 8) }), "a/broken.jpg");
        Assert.Equal(4, ImageFolder.Read(_folder.File("data"), new ImageLoadOptions { Verify = false }).Train.Count);
    }

    [Fact]
    public void Folders_without_classes_are_refused()
    {
        Put("one/a/1.png", "two/a/1.png", "two/b/1.png");
        Directory.CreateDirectory(_folder.File("two", "c"));
        Refusal.Of<InvalidDataException>(() => ImageFolder.Read(_folder.File("one")), "1 subfolders", "two or more");
        Directory.CreateDirectory(Path.Combine(_folder.Path, "two", "c"));
        Refusal.Of<InvalidDataException>(() => ImageFolder.Read(_folder.File("two")), "'c'", "holds no JPEG or PNG file");
        Assert.Throws<DirectoryNotFoundException>(() => ImageFolder.Read(_folder.File("none")));
        Refusal.Of<DirectoryNotFoundException>(() => ImageDataSets.Load("mini-imagenet", _folder.Path), "MINI-ImageNet", "train/CLASS");
    }

    [Fact]
    public void Paths_and_links_that_lead_out_are_refused()
    {
        Put("out/secret/1.png", "in/a/1.png", "in/b/1.png");
        foreach (string path in new[] { "../out/secret/1.png", "/etc/passwd", "a/../../out/secret/1.png", "a\\1.png", "c:/x.png", "a//1.png", "./a/1.png", "a/\u001b1.png", "" })
        {
            Refusal.Of<InvalidDataException>(() => _ = new FileImages(_folder.File("in"), [path], [0]), "lead into the folder");
        }

        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need rights on Windows");
        Directory.CreateSymbolicLink(_folder.File("in", "linked"), Path.Combine(_folder.Path, "out"));
        File.CreateSymbolicLink(_folder.File("in", "a", "2.png"), Path.Combine(_folder.Path, "out", "secret", "1.png"));
        byte[] scratch = [];
        Refusal.Of<FileNotFoundException>(() => new FileImages(_folder.File("in"), ["linked/secret/1.png"], [0]).Read(0, ref scratch), "linked/secret/1.png", "leads out");
        Refusal.Of<FileNotFoundException>(() => new FileImages(_folder.File("in"), ["a/2.png"], [0]).Read(0, ref scratch), "leads out");
        Refusal.Of<FileNotFoundException>(() => new FileImages(_folder.File("in"), ["a/3.png"], [0]).Read(0, ref scratch), "a/3.png", "is not in");
        Assert.Equal(["a/1.png", "b/1.png"], Names(ImageFolder.Read(_folder.File("in")).Train));
    }

    [Fact]
    public void Known_folders_call_images_as_their_lists_do()
    {
        Put("x/mini_imagenet/train/n01/a.jpg", "x/mini_imagenet/train/n02/b.jpg", "x/mini_imagenet/test/n02/c.jpg", "x/CUB_200_2011/images/001.A/1.jpg", "x/CUB_200_2011/images/002.B/2.jpg", "x/CUB_200_2011/images/002.B/3.jpg");
        ImageDataSet mini = ImageDataSets.Load("mini_imagenet", _folder.Path);
        Assert.Equal(["MINI-ImageNet/train/n01/a.jpg", "MINI-ImageNet/train/n02/b.jpg"], Names(mini.Train));
        Assert.Equal(["MINI-ImageNet/test/n02/c.jpg"], Names(mini.Test));
        Assert.Equal((1, DataVariant.Unverified), (mini.Test.Labels[0], mini.Variant));
        ImageDataSet cub = ImageDataSets.Load("cub200", _folder.Path, new ImageLoadOptions { Whole = true });
        Assert.Equal(["CUB_200_2011/images/001.A/1.jpg", "CUB_200_2011/images/002.B/2.jpg", "CUB_200_2011/images/002.B/3.jpg"], Names(cub.Test));
        File.WriteAllText(_folder.File("x", "CUB_200_2011", "images.txt"), "1 001.A/1.jpg\n2 002.B/2.jpg\n3 002.B/3.jpg\n");
        File.WriteAllText(_folder.File("x", "CUB_200_2011", "train_test_split.txt"), "1 1\n2 1\n3 0\n");
        Assert.Equal(["CUB_200_2011/images/002.B/3.jpg"], Names(ImageDataSets.Load("cub200", _folder.Path).Test));
        File.WriteAllText(_folder.File("x", "CUB_200_2011", "train_test_split.txt"), "1 1\n2 1\n");
        Refusal.Of<InvalidDataException>(() => ImageDataSets.Load("cub200", _folder.Path), "train_test_split.txt", "'3'");
    }

    private static IEnumerable<string> Names(ImageSamples samples) => Enumerable.Range(0, samples.Count).Select(samples.Name);

    private void Put(params string[] paths)
    {
        foreach (string path in paths)
        {
            bool isPng = path.EndsWith(".png", StringComparison.Ordinal);
            File.WriteAllBytes(_folder.File(path.Split('/')), Pictures.Encode(20, 16 + (path.Length % 9), isPng ? SKEncodedImageFormat.Png : SKEncodedImageFormat.Jpeg));
        }
    }
}
