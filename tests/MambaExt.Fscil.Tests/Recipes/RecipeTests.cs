using MambaExt.Data.Images;
using MambaExt.Fscil.Features;
using MambaExt.Fscil.Methods;
using MambaExt.Fscil.Projectors;
using MambaExt.Fscil.Recipes;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Tests.Recipes;

public sealed class RecipeTests : TensorTests
{
    [Theory]
    [InlineData("mini-imagenet", 60, 100, 5, 12_424_320 + 2_735_872 + 2_735_872 + 327_680)]
    [InlineData("cifar100", 60, 100, 2, 12_424_320 + 3_295_360 + 3_295_360)]
    [InlineData("cub200", 100, 200, 7, 11_176_512 + 9_084_928 + 10_234_880 + 524_288)]
    public void Published_recipes_are_built_on_the_meta_device_at_their_sizes(string dataSet, int baseClasses, int classes, int side, long parameters)
    {
        FscilRecipe recipe = FscilRecipes.For("paper", dataSet, 3, null, classes);
        if (dataSet == "cub200")
        {
            // A stem that stays as it was drawn is what nobody wants.
            Refusal.Of<ArgumentException>(() => recipe.Validate(classes), "backbone.weights=FILE", "backbone.freeze_stem=false");
            (recipe with { backbone = recipe.backbone with { freeze_stem = false } }).Validate(classes);
        }

        (recipe with { backbone = recipe.backbone with { weights = dataSet == "cub200" ? "resnet18.safetensors" : null } }).Validate(classes);
        using var network = new BaseNetwork(recipe, baseClasses, classes);
        network.to(META);
        Assert.Equal(parameters, network.parameters().Sum(p => p.numel()));
        Assert.Equal(new MapSize(side, side, network.Backbone.Channels), network.Map);
        Assert.All(network.parameters(), p => Assert.Equal(DeviceType.META, p.device_type));
        Assert.Equal(DeviceType.META, network.Etf!.Columns.device_type);
        Assert.Equal(dataSet == "cub200", network.named_parameters().Any(p => p.name.StartsWith("backbone.layer1.", StringComparison.Ordinal) && !p.parameter.requires_grad));
    }

    [Fact]
    public void Published_sessions_have_the_sizes_that_the_released_code_logs()
    {
        IncrementalOptions mini = FscilRecipes.Paper("mini-imagenet").incremental, cub = FscilRecipes.Paper("cub200").incremental, cifar = FscilRecipes.Paper("cifar100").incremental;
        Assert.Equal([85, 195, 305, 855], new[] { 1, 2, 3, 8 }.Select(t => Size(mini, t, 60, 5)));
        Assert.Equal([85, 90, 120], new[] { 1, 2, 8 }.Select(t => Size(cifar, t, 60, 5)));
        Assert.Equal([150, 250, 450, 550, 750, 850, 750, 850, 950, 1050], Enumerable.Range(1, 10).Select(t => Size(cub, t, 100, 10)));
        Assert.Equal([100, 170], new[] { mini.Iterations(1), mini.Iterations(8) });
        Assert.Equal([200, 290], new[] { cub.Iterations(1), cub.Iterations(10) });

        static int Size(IncrementalOptions o, int t, int classes, int ways) => (classes * o.BaseCopies(t)) + (ways * (t - 1) * o.novel_copies) + (5 * ways);
    }

    [Fact]
    public void The_schedule_rises_falls_along_half_a_cosine_and_cools_down()
    {
        var schedule = new CoolDown(100);
        Assert.Equal(0.1 * 1, schedule.Factor(0), 1e-12);
        Assert.Equal((0.1 + (0.9 * 3 / 5)) * (0.01 + (0.99 * 0.5 * (1 + Math.Cos(Math.PI * 3 / 95)))), schedule.Factor(3), 1e-12);
        Assert.Equal(0.01 + (0.99 * 0.5 * (1 + Math.Cos(Math.PI * 47 / 95))), schedule.Factor(47), 1e-12);
        Assert.All(Enumerable.Range(95, 5), t => Assert.Equal(0.001, schedule.Factor(t), 1e-12));
    }

    [Theory]
    [InlineData("digits", 1, 8, 10)]
    [InlineData("omniglot", 1, 28, 964)]
    [InlineData("cifar100", 3, 32, 100)]
    public void Cpu_recipes_fit_their_data(string dataSet, int channels, int size, int classes)
    {
        FscilRecipe recipe = FscilRecipes.For("cpu", dataSet, channels, new ImageSize(size, size), classes);
        recipe.Validate(classes);
        Assert.Equal(FscilRecipe.Rounded(classes), recipe.projector.width);
        using var network = new BaseNetwork(recipe, 4, classes);
        Assert.All(FscilMethods.Names.Concat(FscilMethods.Ablations.Keys).Where(n => n != FscilMethods.Pixels && classes <= 100), name =>
        {
            using FscilMethod method = FscilMethods.Create(name, recipe, network.Size, classes);
            Assert.Equal(name, method.Name);
        });
    }

    [Fact]
    public void Values_are_changed_by_name_and_wrong_ones_are_refused()
    {
        var recipe = new FscilRecipe();
        Assert.Equal(7, RecipeChange.Apply(recipe, "training.epochs=7").training.epochs);
        Assert.Equal("ss2d", RecipeChange.Apply(recipe, "projector.branch=ss2d").projector.branch);
        Assert.Equal([1, 2, 3], RecipeChange.Apply(recipe, "incremental.base_copies=1+2+3").incremental.base_copies);
        Assert.Equal(0.25, RecipeChange.Apply(recipe, "incremental.scan_losses.separate=0.25").incremental.scan_losses.separate);
        Assert.False(RecipeChange.Apply(recipe, "incremental.freeze=false").incremental.freeze);
        Assert.Equal("adamw", RecipeChange.Apply(recipe, "training.optimizer=adamw").training.optimizer);
        Assert.Contains("did you mean training.epochs?", Assert.Throws<ArgumentException>(() => RecipeChange.Apply(recipe, "training.epoch=7")).Message, StringComparison.Ordinal);
        Assert.Contains("cannot take", Assert.Throws<ArgumentException>(() => RecipeChange.Apply(recipe, "training.epochs=many")).Message, StringComparison.Ordinal);
        Assert.Contains("NAME=VALUE", Assert.Throws<ArgumentException>(() => RecipeChange.Apply(recipe, "training")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Everything_that_is_out_of_range_is_said_at_once()
    {
        var recipe = new FscilRecipe
        {
            backbone = new() { name = "resnet99" }, training = new() { head = "x", mixup = 0.8, cutmix = 0.8 }, projector = new() { width = 8, branch = "y" }, incremental = new() { iterations = 0 }, views = 0,
        };
        string message = Assert.Throws<ArgumentException>(() => recipe.Validate(100)).Message;
        Assert.All(new[] { "resnet99", "head is 'x'", "mixup and cutmix", "branch is 'y'", "iterations", "8 wide and the protocol has 100 classes", "projector.width=128", "views is 0" }, words => Assert.Contains(words, message, StringComparison.Ordinal));
    }
}
