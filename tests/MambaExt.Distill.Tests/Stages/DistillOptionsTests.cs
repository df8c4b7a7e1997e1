using MambaExt.Distill.Losses;
using MambaExt.Distill.Stages;
using MambaExt.Distill.Tests.Support;

namespace MambaExt.Distill.Tests.Stages;

/// <summary>What would be ignored, doubled or fail in the first epoch is named before anything is trained.</summary>
public sealed class DistillOptionsTests
{
    [Fact]
    public void Losses_that_would_be_ignored_or_doubled_are_named_before_training()
    {
        Refusal.Of<ArgumentException>(() => new DistillOptions { losses = LossTerm.Parse("ce:1,kd:0.5:temperature=2,kd:0.5:temperature=4") }.Validate(), "loss kd is given more than once");
        Refusal.Of<ArgumentException>(() => new DistillOptions { losses = LossTerm.Parse("ce:1,at:1:student=norm:teacher=norm,at:2:student=norm:teacher=x") }.Validate(), "at(norm) is given more than once");
        foreach (string mode in new[] { "residual", "boosted" })
        {
            Refusal.Of<ArgumentException>(() => new DistillOptions { mode = mode, losses = LossTerm.Parse("dkd:1") }.Validate(), $"Mode {mode}", "would ignore dkd");
            new DistillOptions { mode = mode, losses = LossTerm.Parse("at:1:student=norm:teacher=norm") }.Validate();
            new DistillOptions { mode = mode }.Validate();
        }
    }

    [Theory]
    [InlineData("joint", false, true)]
    [InlineData("residual", true, true)]
    [InlineData("boosted", true, false)]
    [InlineData("independent", true, true)]
    public void Numbers_that_a_mode_has_no_use_for_are_named(string mode, bool solo, bool clip)
    {
        var options = new DistillOptions { mode = mode };
        Check(options with { lambda_solo = 0.1 }, solo, "lambda_solo is 0.1", "joint");
        Check(options with { clip_logits = 3 }, clip, "clip_logits is 3", "boosted");

        void Check(DistillOptions given, bool refused, string what, string instead)
        {
            if (refused)
            {
                Refusal.Of<ArgumentException>(given.Validate, what, $"mode {mode} would ignore it", instead);
            }
            else
            {
                given.Validate();
            }
        }
    }

    [Theory]
    [InlineData("deit-soft")]
    [InlineData("deit-hard")]
    public void A_loss_of_a_second_head_needs_one(string loss)
    {
        var options = new DistillOptions { losses = LossTerm.Parse($"ce:0.5,{loss}:0.5") };
        Refusal.Of<ArgumentException>(options.Validate, $"loss {loss} trains a distillation head", "set distillation_head");
        (options with { distillation_head = true }).Validate();
        Refusal.Of<ArgumentException>((new DistillOptions { distillation_head = true }).Validate, "no loss trains that head");
    }

    [Fact]
    public void A_batch_of_one_image_has_no_correlations()
    {
        var images = new Pictures(41);
        HeldOut heldOut = new Pictures(20, seed: 2).Plain();
        using var teacher = new ModuleTeacher(images.Trained("4x4x2x1", 1), Pictures.Kinds, owns: true);
        DistillOptions options = new() { losses = LossTerm.Parse("ce:1,dist:1"), batch_size = 20 };
        Refusal.Of<ArgumentException>(() => _ = new Progression(images, heldOut, teacher, options, 1), "loss dist", "41 images in batches of 20", "batch_size");
        Refusal.Of<ArgumentException>(() => (options with { batch_size = 1 }).ValidateFor(40), "batches of 1 end with one");
        foreach (int fine in new[] { 7, 21, 40 - 1, 41, 64 })
        {
            (options with { batch_size = fine }).ValidateFor(41);
        }

        (options with { losses = LossTerm.Default }).ValidateFor(41);
    }
}
