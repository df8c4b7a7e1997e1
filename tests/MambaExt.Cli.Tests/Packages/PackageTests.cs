using System.IO.Compression;
using System.Text.RegularExpressions;
using MambaExt.Cli.Tests.Support;

namespace MambaExt.Cli.Tests.Packages;

/// <summary>What a user gets who has the packages and nothing of this repository.</summary>
public partial class PackageTests
{
    private const string Version = "0.1.0-test";

    private static readonly string[] Libraries = ["src/MambaExt.Kernels", "src/MambaExt", "graph/MambaExt.Graph"];

    private static readonly string LibTorch =
        OperatingSystem.IsWindows() ? "libtorch-cpu-win-x64" : OperatingSystem.IsMacOS() ? "libtorch-cpu-osx-arm64" : "libtorch-cpu-linux-x64";

    [Fact]
    public async Task New_project_trains_with_the_packages_and_one_line_for_libtorch()
    {
        string root = ReadmeTests.Root, restored = await Workshop.RestoredPackages(root);
        string libtorch = LibTorchVersion().Match(File.ReadAllText(Path.Combine(root, "Directory.Packages.props"))).Groups["version"].Value;
        Assert.SkipUnless(
            Directory.Exists(Path.Combine(restored, LibTorch, libtorch)), $"{LibTorch} {libtorch} is not in {restored}: this build has another libtorch.");
        using var workshop = new Workshop(restored);
        foreach (string library in Libraries)
        {
            // As built with these tests: bin/CONFIGURATION/net10.0.
            string configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
            Succeeds(await Workshop.Run(root, [], "pack", library, "--no-build", "-c", configuration, "-o", workshop.Feed, $"-p:Version={Version}"));
            AssertComplete(workshop.Feed, Path.GetFileName(library));
        }

        File.Copy(Path.Combine(AppContext.BaseDirectory, "Packages", "App.cs.txt"), Path.Combine(workshop.Project, "App.cs"));
        File.WriteAllText(Path.Combine(workshop.Project, "App.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <AnalysisMode>All</AnalysisMode>
                <NoWarn>CA1303;CA1305;CA1849;CA2000</NoWarn>
                <NuGetAudit>false</NuGetAudit>
                <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="MambaExt.Graph" Version="{Version}" />
                <PackageReference Include="{LibTorch}" Version="{libtorch}" />
              </ItemGroup>
            </Project>
            """);
        Succeeds(await workshop.Dotnet("build", "-c", "Release", "-o", "out", "-nologo"));
        Answer answer = Succeeds(await workshop.Dotnet(Path.Combine("out", "App.dll"), Path.Combine(workshop.Project, "runs")));

        // Two ways to the same training: the same score, and it is one.
        Match scores = Output().Match(answer.Out);
        Assert.True(scores.Success, answer.Out + answer.Error);
        Assert.Equal(scores.Groups["run"].Value, scores.Groups["service"].Value);
        Assert.InRange(double.Parse(scores.Groups["run"].Value, System.Globalization.CultureInfo.InvariantCulture), 20, 80);

        // Who forgets libtorch is told while building.
        Answer without = await workshop.Dotnet("msbuild", "-nologo", "-t:FindLibTorchForMambaExt", "-p:TorchSharpCpuPackage=", "-p:TreatWarningsAsErrors=false");
        Assert.Contains($"MAMBAEXT001: App uses MambaExt but references no libtorch", without.Out, StringComparison.Ordinal);
        Assert.Contains(LibTorch, without.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Command_without_libtorch_says_how_to_give_it_one()
    {
        using var folder = new TemporaryFolder();
        foreach (string pattern in new[] { "*.dll", "MambaExt.Cli.*.json" })
        {
            folder.CopyFrom(AppContext.BaseDirectory, pattern);
        }

        // TorchSharp looks for libtorch among restored packages too.
        (string, string)[] nowhere = [("NUGET_PACKAGES", folder.Path), ("MAMBAEXT_LIBTORCH", "")];
        Answer answer = await Workshop.Run(folder.Path, nowhere, "MambaExt.Cli.dll", "graph", "train", "--dataset", "minesweeper-grid", "--epochs", "1");

        // TorchSharp writes its search to standard output, which nobody can keep it from.
        (answer with { Out = "" }).Refuses(ExitCode.Failed, "libtorch", "MAMBAEXT_LIBTORCH");
    }

    private static Answer Succeeds(Answer answer)
    {
        Assert.True(answer.Code == 0, answer.Out + answer.Error);
        return answer;
    }

    /// <summary>Library, documentation, readme and licence are there, and nothing of where it was built.</summary>
    private static void AssertComplete(string feed, string id)
    {
        using ZipArchive package = ZipFile.OpenRead(Path.Combine(feed, $"{id}.{Version}.nupkg"));
        foreach (string entry in new[] { $"lib/net10.0/{id}.dll", $"lib/net10.0/{id}.xml", "PACKAGE.md" })
        {
            Assert.NotNull(package.GetEntry(entry));
        }

        using var reader = new StreamReader(package.GetEntry($"{id}.nuspec")!.Open());
        string nuspec = reader.ReadToEnd();
        Assert.Contains("<license type=\"expression\">MIT</license>", nuspec, StringComparison.Ordinal);
        Assert.Contains("<readme>PACKAGE.md</readme>", nuspec, StringComparison.Ordinal);
        Assert.DoesNotContain("Package Description", nuspec, StringComparison.Ordinal);
        Assert.DoesNotContain(ReadmeTests.Root, nuspec, StringComparison.Ordinal);
    }

    [GeneratedRegex("""Include="libtorch-cpu-linux-x64" Version="(?<version>[^"]+)""")]
    private static partial Regex LibTorchVersion();

    [GeneratedRegex(@"^torch: 3\r?\nNodeTrainer: 1 epoch, (?<run>[\d.]+)\r?\nAddMambaExtGraph: 1 epoch, (?<service>[\d.]+)\r?\nresult: True\r?\n$")]
    private static partial Regex Output();
}
