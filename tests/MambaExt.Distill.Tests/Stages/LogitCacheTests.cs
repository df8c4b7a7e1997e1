using MambaExt.Distill.Stages;
using MambaExt.Distill.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Tests.Stages;

public sealed class LogitCacheTests
{
    [Fact]
    public void What_is_kept_is_what_would_be_computed()
    {
        using DisposeScope scope = NewDisposeScope();
        var images = new Pictures(700, draws: 3);
        using var cache = new LogitCache(images);
        int[] some = [3, 699, 512, 3];
        for (int draw = 2; draw >= 0; draw--)
        {
            TensorAssert.Close(Of(images.Read(some, draw)), cache.Rows(images, some, draw, Of), 1e-6, $"draw {draw}");
        }

        Assert.NotEqual(Of(images.Read(some, 0)), Of(images.Read(some, 1)));
        int reads = images.Reads;
        cache.Rows(images, some, 1, _ => throw new InvalidOperationException("It is kept."));
        Assert.Equal(reads, images.Reads);
    }

    [Fact]
    public void Another_augmentation_is_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        var images = new Pictures(40);
        using var cache = new LogitCache(images);
        cache.Whole(images, 0, Of);
        Refusal.Of<InvalidOperationException>(() => cache.Rows(new Pictures(40, noise: 1), new[] { 0 }, 0, Of), "pictures 40 2 0.8 1", "pictures 40 2 1 1", "their own");
        Refusal.Of<InvalidOperationException>(() => _ = new LogitCache(new Pictures(40, draws: 0)), "without numbers");
        Assert.Throws<ArgumentOutOfRangeException>(() => cache.Rows(images, new[] { 0 }, 2, Of));
    }

    [Fact]
    public void A_file_brings_the_same_back()
    {
        using DisposeScope scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var images = new Pictures(30);
        using var cache = new LogitCache(images);
        Tensor whole = cache.Whole(images, 1, Of);
        cache.Save(folder.File("logits.safetensors"));
        using var teacher = new LogitTeacher(LogitCache.Load(folder.File("logits.safetensors")));
        TensorAssert.Same(whole, teacher.Whole(images, 1));
        Refusal.Of<InvalidOperationException>(() => teacher.Whole(images, 0), "do not hold this draw");
        File.WriteAllBytes(folder.File("broken"), File.ReadAllBytes(folder.File("logits.safetensors"))[..100]);
        Assert.Throws<InvalidDataException>(() => LogitCache.Load(folder.File("broken")));
    }

    private static Tensor Of(Tensor images) => stack([.. Enumerable.Range(0, Pictures.Kinds).Select(k => (images * (k + 1)).sin().sum([1L, 2L, 3L]))], 1);
}
