"""The options of trtexec, by the version of TensorRT that the stand-in shows.

Source: ``samples/common/sampleOptions.cpp`` of NVIDIA/TensorRT at commits cabb42f (8.4), 362a625 (10.2) and d588328
(11.0): what ``parse`` takes and ``help`` lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_BUILD = """onnx minShapes optShapes maxShapes inputIOFormats outputIOFormats memPoolSize profilingVerbosity avgTiming
sparsity saveEngine loadEngine tacticSources timingCacheFile"""
_RUN = """shapes loadInputs iterations warmUp duration sleepTime idleTime avgRuns percentile exportTimes exportOutput
exportProfile exportLayerInfo device useDLACore"""
_TYPES = """minShapesCalib optShapesCalib maxShapesCalib precisionConstraints layerPrecisions layerOutputTypes calib"""
_SINCE_10 = """useRuntime leanDLLPath layerDeviceTypes preview builderOptimizationLevel hardwareCompatibilityLevel
tempdir tempfileControls maxAuxStreams profile markDebug staticPlugins dynamicPlugins setPluginsToSerialize infStreams
persistentCacheRatio useProfile allocationStrategy saveDebugTensors weightStreamingBudget"""
_SINCE_11 = """decomposableAttentions maxTactics runtimePlatform tilingOptimizationLevel l2LimitForTiling
remoteAutoTuningConfig safetyPlugins loadRefOutputs accuracyAlgorithm atol rtol accuracyThreshold refPair
saveAllDebugTensors tuneBuildRoutes tuneBuildRouteFile tuningSearch tuningCacheFile tuningTimeOut helpBuildRoute
setBuildRoute"""
_OLD = "model deploy output uff uffInput maxBatch batch workspace minTiming streams plugins"

_SWITCHES = """refit noTF32 directIO safe consistency noBuilderCache allowGPUFallback exposeDMA noDataTransfers
useManagedMemory useSpinWait threads useCudaGraph timeDeserialize timeRefit separateProfileRun verbose dumpRefit
dumpOutput dumpProfile dumpLayerInfo help"""
_SWITCHES_10 = """stripWeights versionCompatible vc pluginInstanceNorm pi excludeLeanRuntime stronglyTyped
buildDLAStandalone getPlanVersionOnly noCompilationCache errorOnTimingCacheMiss allowWeightStreaming
ignoreParsedPluginLibs skipInference dumpRawBindingsToFile dumpOptimizationProfile"""
_SWITCHES_11 = """stripAllWeights uint8AsymmetricQuantizationDLA reportCapabilityDLA adjustForDLA enablePluginOverride
monitorMemory dumpKernelText asyncFileReader markUnfusedTensorsAsDebugTensors refitFromOnnx cpuOnly includeDataTransfers
noSpinWait noCudaGraph saveAllEngines dryRun continue"""


@dataclass(frozen=True)
class Release:
    """One version: the options with a value, those without, and those that are taken although no help lists them.

    ``serialization`` is the version that an engine's head states; ``copies`` whether data are transferred unless
    told otherwise, which goes with no spin wait and no CUDA graph.
    """

    version: str
    banner: str
    serialization: int
    values: frozenset[str]
    switches: frozenset[str]
    hidden: frozenset[str]
    copies: bool

    @property
    def major(self) -> int:
        """The first number of the version."""
        return int(self.version.split(".")[0])


def _names(*texts: str) -> frozenset[str]:
    return frozenset(name for text in texts for name in text.split())


RELEASES: Mapping[str, Release] = {
    each.version: each
    for each in (
        Release(
            "8.4.3",
            "v8403",
            213,
            _names(_BUILD, _RUN, _TYPES, _OLD),
            _names(_SWITCHES, "fp16 int8 best restricted buildOnly"),
            _names("explicitBatch"),
            copies=True,
        ),
        Release(
            "10.2.0",
            "v100200",
            238,
            _names(_BUILD, _RUN, _TYPES, _SINCE_10, "calibProfile"),
            _names(_SWITCHES, _SWITCHES_10, "fp16 bf16 int8 fp8 best restricted weightless"),
            _names("streams plugins"),
            copies=True,
        ),
        Release(
            "11.0.0",
            "v110000",
            250,
            _names(_BUILD, _RUN, _SINCE_10, _SINCE_11),
            _names(_SWITCHES, _SWITCHES_10, _SWITCHES_11),
            _names("streams plugins"),
            copies=False,
        ),
    )
}


class UnknownOptionError(ValueError):
    """An option that the version does not know; the text is how trtexec says so."""


def read_arguments(words: Sequence[str], release: Release) -> dict[str, str]:
    """The options by name, without dashes; a switch has an empty value.

    Raises:
        UnknownOptionError: the first that this version does not know, or one without the value that it needs.
    """
    found: dict[str, str] = {}
    for word in words:
        given, equals, value = word.partition("=")
        name = {"-h": "help"}.get(given, given.removeprefix("--"))
        known = release.values | release.switches | release.hidden
        if (not given.startswith("--") and given != "-h") or name not in known:
            raise UnknownOptionError(f"Unknown option: {given} {value}")
        if name in release.values and not equals:
            raise UnknownOptionError(f"Empty value for option: {given}")
        found[name] = value
    return found


def help_lines(release: Release) -> list[str]:
    """What ``--help`` lists, in the real tool's layout."""
    lines = ["=== Model, Build, Inference, Reporting and System Options ==="]
    lines += [f"  --{name}=spec" for name in sorted(release.values)]
    return [
        *lines,
        *(f"  --{name}" for name in sorted(release.switches - {"help"})),
        "",
        "=== Help ===",
        "  --help, -h",
    ]
